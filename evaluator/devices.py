"""Which card this machine has, read through NVML: no torch, no CUDA context."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict


class Card(BaseModel):
    """One CUDA card as the driver reports it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    index: int
    name: str
    """``NVIDIA GeForce RTX 4090``."""
    uuid: str
    compute_capability: str
    """``8.9``."""
    memory_gb: float
    """10^9 bytes."""
    driver: str


@contextmanager
def nvml() -> Iterator[Any]:
    """The initialised pynvml module, or None where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # NVML raises its own types, and ImportError-likes where libraries are missing
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def detect_card() -> Card | None:
    """The first card that CUDA_VISIBLE_DEVICES leaves visible, or None."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    with nvml() as lib:
        if lib is None:
            return None
        try:
            handle = _handle(lib, first)
            index = lib.nvmlDeviceGetIndex(handle)
            major, minor = lib.nvmlDeviceGetCudaComputeCapability(handle)
            return Card(
                index=index,
                name=_text(lib.nvmlDeviceGetName(handle)),
                uuid=_text(lib.nvmlDeviceGetUUID(handle)),
                compute_capability=f"{major}.{minor}",
                memory_gb=round(lib.nvmlDeviceGetMemoryInfo(handle).total / 1e9, 1),
                driver=_text(lib.nvmlSystemGetDriverVersion()),
            )
        except lib.NVMLError:
            return None


def _handle(lib: Any, visible: str) -> Any:
    """An entry of CUDA_VISIBLE_DEVICES is an index or a UUID."""
    if visible.isdigit():
        return lib.nvmlDeviceGetHandleByIndex(int(visible))
    if visible.startswith("GPU-"):
        return lib.nvmlDeviceGetHandleByUUID(visible)
    raise lib.NVMLError(lib.NVML_ERROR_NOT_FOUND)


class Clocks(BaseModel):
    """The card's state at one moment."""

    model_config = ConfigDict(extra="forbid")
    sm_mhz: int
    throttled: str | None
    """What slows the card down against its will, or None."""


# Bits of nvmlClocksThrottleReasons that mean heat or power emergencies; the ordinary power cap is not one.
_SLOWDOWNS = {
    0x8: "hardware slowdown",
    0x20: "thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}


def read_clocks(index: int = 0) -> Clocks | None:
    """SM clock in MHz and throttling right now; None where NVML does not say."""
    with nvml() as lib:
        if lib is None:
            return None
        try:
            handle = lib.nvmlDeviceGetHandleByIndex(index)
            mhz = lib.nvmlDeviceGetClockInfo(handle, lib.NVML_CLOCK_SM)
            bits = lib.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        except lib.NVMLError:
            return None
    slow = [name for bit, name in _SLOWDOWNS.items() if bits & bit]
    return Clocks(sm_mhz=mhz, throttled=", ".join(slow) or None)
