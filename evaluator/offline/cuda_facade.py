"""A ``torch.cuda`` that answers for a card that is not there.

Host code asks ``torch.cuda`` about the card (properties, streams, memory) before it launches anything. Under
`cuda_facade` those questions get the answers that the chosen card would give; streams, events and ranges are
objects that order nothing, since nothing runs beside the host. Work on tensors is not this module's business:
what a ``device="cuda"`` tensor is, the caller decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from ..gpus import Gpu
from .cuda_graphs import GraphListener, graph_classes
from .cuda_streams import Context, DeviceContext, Event, Stream, StreamContext

_ABSENT = object()
_KIB = 1024
_DEFAULT_SHARED_KB = 48


@dataclass(frozen=True)
class DeviceProperties:
    """What ``torch.cuda.get_device_properties`` gives, under PyTorch's own names; sizes in bytes."""

    name: str
    major: int
    minor: int
    multi_processor_count: int
    total_memory: int
    max_threads_per_multi_processor: int
    max_threads_per_block: int
    regs_per_multiprocessor: int
    shared_memory_per_block: int
    shared_memory_per_block_optin: int
    shared_memory_per_multiprocessor: int
    L2_cache_size: int
    warp_size: int
    clock_rate: int
    """kHz."""
    is_integrated: int = 0
    is_multi_gpu_board: int = 0
    gcnArchName: str = ""
    uuid: str = "00000000-0000-0000-0000-000000000000"
    pci_bus_id: int = 0
    pci_device_id: int = 0
    pci_domain_id: int = 0


def device_properties(gpu: Gpu) -> DeviceProperties:
    """The table's row for a card as PyTorch would show it."""
    major, minor = divmod(gpu.arch_number, 10)
    return DeviceProperties(
        name=f"NVIDIA {gpu.title}",
        major=major,
        minor=minor,
        multi_processor_count=gpu.sm_count,
        total_memory=gpu.memory_gb * _KIB**3,
        max_threads_per_multi_processor=gpu.threads_per_sm_max,
        max_threads_per_block=gpu.threads_per_block_max,
        regs_per_multiprocessor=gpu.registers_per_sm,
        shared_memory_per_block=_DEFAULT_SHARED_KB * _KIB,
        shared_memory_per_block_optin=gpu.shared_kb_per_block_max * _KIB,
        shared_memory_per_multiprocessor=gpu.shared_kb_per_sm * _KIB,
        L2_cache_size=gpu.l2_mb * _KIB**2,
        warp_size=gpu.warp_size,
        clock_rate=gpu.boost_clock_mhz * 1000,
    )


def triton_device_properties(gpu: Gpu) -> dict[str, int]:
    """What ``triton.runtime.driver.active.utils.get_device_properties`` gives, under Triton's own names."""
    return {
        "max_shared_mem": gpu.shared_kb_per_block_max * _KIB,
        "max_num_regs": gpu.registers_per_sm,
        "multiprocessor_count": gpu.sm_count,
        "warpSize": gpu.warp_size,
        "sm_clock_rate": gpu.boost_clock_mhz * 1000,
        "mem_clock_rate": 0,
        "mem_bus_width": 0,
    }


@contextmanager
def patched(target: Any, values: Mapping[str, object]) -> Iterator[None]:
    """Set attributes for the time of the context; what was not there before is gone again after it."""
    before = {name: vars(target).get(name, _ABSENT) for name in values}
    for name, value in values.items():
        setattr(target, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _ABSENT:
                delattr(target, name)
            else:
                setattr(target, name, value)


def _answers(value: object) -> Callable[..., Any]:
    """A function that takes anything and gives ``value``."""

    def answer(*args: object, **kwargs: object) -> object:
        return value

    return answer


def _device_answers(gpu: Gpu) -> dict[str, object]:
    properties = device_properties(gpu)
    return {
        "is_available": _answers(True),
        "is_initialized": _answers(True),
        "init": _answers(None),
        "_lazy_init": _answers(None),
        "device_count": _answers(1),
        "current_device": _answers(0),
        "set_device": _answers(None),
        "get_device_properties": _answers(properties),
        "get_device_capability": _answers((properties.major, properties.minor)),
        "get_device_name": _answers(properties.name),
        "get_arch_list": _answers([f"sm_{gpu.arch_number}"]),
        "can_device_access_peer": _answers(False),
        "is_bf16_supported": _answers(properties.major >= 8),
        "is_tf32_supported": _answers(properties.major >= 8),
        "clock_rate": _answers(gpu.boost_clock_mhz),
        "device": DeviceContext,
        "device_of": DeviceContext,
        "_DeviceGuard": DeviceContext,
    }


def _stream_answers() -> dict[str, object]:
    stream = Stream()
    return {
        "Stream": Stream,
        "ExternalStream": Stream,
        "Event": Event,
        "StreamContext": StreamContext,
        "stream": StreamContext,
        "set_stream": _answers(None),
        "current_stream": _answers(stream),
        "default_stream": _answers(stream),
        "synchronize": _answers(None),
    }


def _memory_answers(gpu: Gpu) -> dict[str, object]:
    total = gpu.memory_gb * _KIB**3
    sizes = ("memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved")
    quiet = ("empty_cache", "ipc_collect", "reset_peak_memory_stats", "reset_max_memory_allocated")
    seeds = ("manual_seed", "manual_seed_all", "seed", "seed_all")
    return {
        "mem_get_info": _answers((total, total)),
        "memory_stats": _answers({}),
        **{name: _answers(0) for name in sizes},
        **{name: _answers(None) for name in (*quiet, *seeds)},
    }


def _accelerator_answers() -> dict[str, object]:
    return {
        "is_available": _answers(True),
        "device_count": _answers(1),
        "current_accelerator": _answers(torch.device("cuda")),
        "current_device_index": _answers(0),
        "current_stream": _answers(Stream()),
        "synchronize": _answers(None),
    }


def _nvtx_answers() -> dict[str, object]:
    quiet = ("mark", "range_push", "range_pop", "range_start", "range_end")
    return {"range": Context, **{name: _answers(0) for name in quiet}}


@contextmanager
def cuda_facade(gpu: Gpu, graphs: GraphListener | None = None) -> Iterator[None]:
    """Let ``torch.cuda`` answer for ``gpu`` until the context ends.

    ``graphs`` hears when a CUDA graph is captured and replayed; without it captured work runs once, while it
    is captured, and a replay does nothing.
    """
    answers = _device_answers(gpu) | _stream_answers() | _memory_answers(gpu)
    answers |= graph_classes(graphs or GraphListener())
    raw = {"_cuda_getCurrentRawStream": _answers(0)}
    with (
        patched(torch.cuda, answers),
        patched(torch.cuda.nvtx, _nvtx_answers()),
        patched(torch.accelerator, _accelerator_answers()),
        patched(torch._C, raw),
    ):
        yield
