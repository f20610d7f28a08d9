"""Buffers that the judge and a runner share: memory by descriptor on the CPU, a CUDA IPC handle for a card.

The judge decides where everything lies (`Slot`), so a runner can only fill space of known size. A CUDA arena
is one plain ``cuMemAlloc``: a raw IPC handle of it opens in another process, also in one with its own PID and
IPC namespaces, and torch sees it through ``__cuda_array_interface__``.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

ALIGNMENT = 512


@dataclass(frozen=True)
class Slot:
    """Where one tensor lies in an arena."""

    offset: int
    dtype: str
    """``float32``."""
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes it takes."""
        return math.prod(self.shape) * int(dtype_of(self.dtype).itemsize)


def dtype_of(name: str) -> torch.dtype:
    """``float32`` to torch.float32."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"'{name}' is not a torch dtype")
    return dtype


def dtype_name(dtype: torch.dtype) -> str:
    """torch.float32 to ``float32``."""
    return str(dtype).removeprefix("torch.")


def lay_out(tensors: list[tuple[str, tuple[int, ...]]], start: int = 0) -> tuple[list[Slot], int]:
    """Slots for (dtype, shape) one after the other, aligned, and the first free offset behind them."""
    slots, offset = [], start
    for dtype, shape in tensors:
        slots.append(Slot(offset, dtype, shape))
        offset += -(-max(slots[-1].nbytes, 1) // ALIGNMENT) * ALIGNMENT
    return slots, offset


@dataclass(frozen=True)
class ArenaAddress:
    """How a runner finds an arena: by a CUDA IPC handle, or by the descriptor that comes with the order."""

    size: int
    handle: bytes | None = None


class Arena:
    """One flat shared buffer, seen as tensors."""

    def __init__(
        self,
        base: torch.Tensor,
        address: ArenaAddress,
        pointer: int | None = None,
        descriptor: int | None = None,
    ) -> None:
        self.base = base
        self.address = address
        self._pointer = pointer
        self._descriptor = descriptor

    @property
    def descriptors(self) -> list[int]:
        """What has to go with the order that names the address."""
        return [] if self._descriptor is None else [self._descriptor]

    def view(self, slot: Slot) -> torch.Tensor:
        """The tensor in that slot; shares memory."""
        flat = self.base[slot.offset : slot.offset + slot.nbytes]
        return flat.view(dtype_of(slot.dtype)).view(slot.shape)

    def close(self) -> None:
        """Give a judge's arena back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._pointer is not None:
            torch.cuda.synchronize()
            _check(_cuda().cuMemFree_v2(ctypes.c_uint64(self._pointer)), "cuMemFree")
            self._pointer = None


def create_memory_arena(size: int) -> Arena:
    """Judge: new zeroed memory of that size, which no process can shrink under another that has it mapped."""
    size = max(size, ALIGNMENT)
    file = os.memfd_create("kernelwright-arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(file, size)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return Arena(_mapped(file, size), ArenaAddress(size), descriptor=file)


def _mapped(file: int, size: int) -> torch.Tensor:
    return torch.from_file(f"/proc/self/fd/{file}", shared=True, size=size, dtype=torch.uint8)


def create_cuda_arena(size: int) -> Arena:
    """Judge: device memory of that size with an IPC handle; raises torch.OutOfMemoryError."""
    size = max(size, ALIGNMENT)
    torch.cuda.init()
    torch.cuda.current_stream()
    pointer = ctypes.c_uint64()
    if _cuda().cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size)) != 0:
        torch.cuda.empty_cache()
        if _cuda().cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size)) != 0:
            raise torch.OutOfMemoryError(f"the card has no {size / 1e9:.1f} GB left for the shared buffers")
    handle = _IpcHandle()
    _check(_cuda().cuIpcGetMemHandle(ctypes.byref(handle), pointer), "cuIpcGetMemHandle")
    address = ArenaAddress(size, handle=bytes(handle))
    return Arena(_wrap(pointer.value, size), address, pointer.value)


def open_arena(address: ArenaAddress, descriptors: Sequence[int] = ()) -> Arena:
    """Either side: the arena at that address (a CUDA one only in a process that did not create it)."""
    if address.handle is None:
        return Arena(_mapped(descriptors[0], address.size), address)
    torch.cuda.init()
    torch.zeros(1, device="cuda")  # makes the primary context current, which the driver call below needs
    pointer = ctypes.c_uint64()
    handle = _IpcHandle.from_buffer_copy(address.handle)
    lazy_peer_access = 1
    _check(
        _cuda().cuIpcOpenMemHandle_v2(ctypes.byref(pointer), handle, lazy_peer_access), "cuIpcOpenMemHandle"
    )
    return Arena(_wrap(pointer.value, address.size), address)


class _IpcHandle(ctypes.Structure):
    _fields_ = [("reserved", ctypes.c_char * 64)]

    def __bytes__(self) -> bytes:
        return ctypes.string_at(ctypes.byref(self), 64)


@cache
def _cuda() -> Any:
    return ctypes.CDLL("libcuda.so.1")


def _check(code: int, call: str) -> None:
    if code != 0:
        raise RuntimeError(f"{call} failed with CUDA error {code}")


def _wrap(pointer: int, size: int) -> torch.Tensor:
    class Memory:
        __cuda_array_interface__ = {  # noqa: RUF012
            "shape": (size,),
            "typestr": "|u1",
            "data": (pointer, False),
            "strides": None,
            "version": 3,
        }

    return torch.as_tensor(Memory(), device="cuda")
