"""Tensors that say ``cuda`` and hold no memory, so that host code for a card runs without one.

PyTorch's fake tensors know shape, strides, dtype and device of every result and compute no values. Around them
this module supplies what a card's presence would: a device guard, addresses, and modules that can move.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch._subclasses import fake_tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode

from ..gpus import Gpu
from ..protocol import EnvironmentLacks, TensorFact
from .cuda_facade import cuda_facade, patched
from .cuda_graphs import GraphListener

_GUARDS = "_ZN3c104impl26device_guard_impl_registryE"
_CUDA = 1
_FIRST_ADDRESS = 1 << 40
_ROOM_PER_STORAGE = 1 << 36
_CONTEXT = {"init_gpu_context": lambda device: None}
"""The first fake tensor would start the real card."""


class Storages:
    """Gives every storage a number that stays its own: a freed storage's address is not used again."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, object]] = {}

    def number(self, tensor: Any) -> int:
        """Equal for tensors that share memory."""
        storage = tensor.untyped_storage()
        entry = self._seen.setdefault(storage._cdata, (len(self._seen), storage))
        return entry[0]

    def address(self, tensor: Any) -> int:
        """Where the tensor would be: aligned as a card's allocator does it, plus its offset."""
        offset: int = tensor.storage_offset() * tensor.element_size()
        return _FIRST_ADDRESS + self.number(tensor) * _ROOM_PER_STORAGE + offset


class _CardlessMode(FakeTensorMode):  # type: ignore[misc]
    """Fake tensors that never try to start a card, whatever ``torch.cuda.is_available`` says."""

    @property
    def avoid_device_init(self) -> bool:
        return True


class _NumberedDevices(TorchFunctionMode):  # type: ignore[misc]
    """``x.cuda(0)`` and ``device=0``: PyTorch asks its accelerator what 0 is, and here there is none."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = dict(kwargs or {})
        if type(named.get("device")) is int:
            named["device"] = torch.device("cuda", named["device"])
        if func in (torch.Tensor.to, torch.Tensor.cuda) and len(args) > 1 and type(args[1]) is int:
            args = (args[0], torch.device("cuda", args[1]), *args[2:])
        return func(*args, **named)


def prepare_fake_tensors() -> None:
    """Import what the first fake tensor needs."""
    with _no_op_device_guard(), patched(fake_tensor, _CONTEXT), _CardlessMode():
        torch.empty(1, device="cuda")


@contextmanager
def fake_cuda(gpu: Gpu, storages: Storages, graphs: GraphListener | None = None) -> Iterator[None]:
    """Every tensor made in this context is fake, and ``torch.cuda`` answers for ``gpu``.

    Raises `EnvironmentLacks` when this build of PyTorch cannot pretend to have a card.
    """
    with (
        _no_op_device_guard(),
        patched(fake_tensor, _CONTEXT),
        patched(torch.nn.Module, {"_apply": _apply}),
        patched(torch, {"compile": _uncompiled}),
        patched(FakeTensor, _tensor_methods(storages)),
        cuda_facade(gpu, graphs),
        _CardlessMode(),
        _NumberedDevices(),
        torch.no_grad(),
    ):
        yield


def card_tensor(fact: TensorFact) -> Any:
    """A fake tensor on the card; call it inside `fake_cuda`."""
    return torch.empty(fact.shape, dtype=getattr(torch, fact.dtype), device="cuda")


def dtype_name(tensor: Any) -> str:
    """``float32``."""
    return str(tensor.dtype).removeprefix("torch.")


def _tensor_methods(storages: Storages) -> dict[str, object]:
    def data_ptr(tensor: object) -> int:
        return storages.address(tensor)

    def numpy(tensor: object, *args: object, **kwargs: object) -> object:
        raise DataDependentOutputException("numpy")

    def same(tensor: object, *args: object, **kwargs: object) -> object:
        return tensor

    def nothing(*args: object, **kwargs: object) -> None:
        return None

    return {"data_ptr": data_ptr, "numpy": numpy, "pin_memory": same, "record_stream": nothing}


def _uncompiled(model: Any = None, **options: object) -> Any:
    """``torch.compile`` that leaves the function as it is, also as a decorator with options."""
    return (lambda function: function) if model is None else model


def _apply(module: Any, function: Callable[[Any], Any], recurse: bool = True) -> Any:
    """``Module._apply`` by replacement: PyTorch swaps tensors in place, which fake ones refuse."""
    for child in module.children() if recurse else ():
        child._apply(function)
    for name, parameter in module._parameters.items():
        if parameter is not None:
            moved = function(parameter)
            module._parameters[name] = torch.nn.Parameter(moved, requires_grad=parameter.requires_grad)
    for name, buffer in module._buffers.items():
        if buffer is not None:
            module._buffers[name] = function(buffer)
    return module


@contextmanager
def _no_op_device_guard() -> Iterator[None]:
    """Let PyTorch's C++ side accept ``cuda`` devices without touching one, if there is one.

    PyTorch has a guard that does nothing and puts it in where the guard of a CUDA build finds no card. It is
    shown such a guard, also by a build without CUDA and on a machine with a card.
    """
    guards = registered_guards()
    before = guards[_CUDA]
    zero = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(lambda _: 0)
    methods = (ctypes.c_void_p * 64)(*[ctypes.cast(zero, ctypes.c_void_p).value] * 64)
    no_cards = (ctypes.c_void_p * 1)(ctypes.addressof(methods))
    try:
        guards[_CUDA] = ctypes.addressof(no_cards)
        torch._C._ensureCUDADeviceGuardSet()
        if guards[_CUDA] == ctypes.addressof(no_cards):
            raise _lacking("it keeps its device guard")
        yield
    finally:
        guards[_CUDA] = before


def registered_guards() -> Any:
    """Addresses of PyTorch's device guards for the CPU and for CUDA, where they can be replaced."""
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
        return (ctypes.c_void_p * 2).in_dll(library, _GUARDS)
    except (OSError, ValueError) as problem:
        raise _lacking(str(problem)) from None


def _lacking(problem: str) -> EnvironmentLacks:
    return EnvironmentLacks(
        f"PyTorch {torch.__version__} cannot stand in for a card ({problem}): "
        "install the torch version of constraints.txt"
    )
