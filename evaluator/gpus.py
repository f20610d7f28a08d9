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
    architecture: str
    compute_capability: str
    """``8.9``."""
    sm_count: int
    memory_gb: int
    memory_bandwidth_gb_s: float
    tf32_tensor_tflops: float | None
    """Dense; None where the vendor publishes none."""
    bf16_tensor_tflops: float | None
    fp16_tensor_tflops: float | None
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
    """The table's row for a name as the driver reports it (``NVIDIA GeForce RTX 4090``), or None."""
    words = device_name.lower().replace("-", " ").split()
    best: Gpu | None = None
    for card in gpus().values():
        wanted = card.title.lower().replace("-", " ").split()
        if all(word in words for word in wanted) and (best is None or len(wanted) > len(best.title.split())):
            best = card
    return best
