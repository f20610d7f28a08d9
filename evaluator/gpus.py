"""The cards that a kernel can be made for: data-sheet facts, one table, ``gpus.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict


class UnknownGpu(ValueError):
    """No card of that name is in the table."""


class Gpu(BaseModel):
    """One card. Units are in the names; every figure is the vendor's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The key used with ``--target``: ``rtx-4090``."""
    title: str
    """What people call it: ``RTX 4090``."""
    driver_names: tuple[str, ...] = ()
    """What a driver calls it, where that is not the title, without the vendor's names."""
    architecture: str
    compute_capability: str
    """``8.9``."""
    sm_count: int
    memory_gb: int
    memory_bandwidth_gb_s: float
    tf32_tensor_tflops: float | None = None
    """Dense, accumulating in fp32; None where the vendor publishes none."""
    bf16_tensor_tflops: float | None = None
    fp16_tensor_tflops: float | None = None
    fp32_tflops: float
    """Outside the tensor cores."""
    registers_per_thread_max: int = 255
    registers_per_sm: int = 65536
    threads_per_block_max: int = 1024
    threads_per_sm_max: int
    blocks_per_sm_max: int
    warp_size: int = 32
    shared_kb_per_sm: int
    shared_kb_per_block_max: int
    l2_mb: int
    boost_clock_mhz: int
    source: str
    """Where the figures come from."""

    @property
    def arch_number(self) -> int:
        """``89`` for compute capability 8.9, as Triton's GPUTarget wants it."""
        major, minor = self.compute_capability.split(".")
        return int(major) * 10 + int(minor)

    @property
    def warps_per_sm_max(self) -> int:
        """Concurrent warps per SM."""
        return self.threads_per_sm_max // self.warp_size


@cache
def gpus() -> dict[str, Gpu]:
    """All cards by name, in the table's order."""
    raw = tomllib.loads(files(__package__).joinpath("gpus.toml").read_text(encoding="utf-8"))
    return {name: Gpu(name=name, **row) for name, row in raw.items()}


def gpu(name: str) -> Gpu:
    """The card called ``name``; raises `UnknownGpu` with the known names."""
    try:
        return gpus()[name]
    except KeyError:
        raise UnknownGpu(f"unknown GPU '{name}': choose one of {', '.join(gpus())}") from None


def gpu_by_title(device_name: str) -> Gpu | None:
    """The table's row for a name as the driver reports it (``NVIDIA GeForce RTX 4090``), or None.

    The whole name has to agree: a laptop's 4090, a 3090 Ti, an A100 with 40 GB or a slice of a card has
    other figures than the row of the card that it is named after.
    """
    words = _words(device_name)
    for card in gpus().values():
        if any(words == _words(name) for name in (card.title, *card.driver_names)):
            return card
    return None


def _words(name: str) -> list[str]:
    """The words of a card's name in small letters, without the vendor's."""
    return [
        word for word in name.lower().replace("-", " ").split() if word not in ("nvidia", "geforce", "tesla")
    ]
