"""What a candidate returned: checked for what it is, and copied to where the judge looks. Runs in the runner."""

from __future__ import annotations

import os
from typing import Any

import torch

from . import defences
from .classify import Refused
from .defences import Defence
from .evaluation import Status
from .exchange import Arena, Slot, dtype_name


def hand_over(arena: Arena, result: Any, slots: list[Slot]) -> None:
    """Copy the outputs at once, on the stream on which forward was called: what is late is not there."""
    results = _as_tensors(arena, result, slots)
    if not defences.on(Defence.AT_RETURN):
        synchronize()
    for tensor, slot in zip(results, slots, strict=True):
        arena.view(slot).copy_(tensor)
    synchronize()


def poison_the_pool(outputs: list[Slot]) -> None:
    """Leave NaN where the allocator will most likely place an output that is never written."""
    if defences.on(Defence.POISON):
        blocks = [torch.empty(slot.nbytes, dtype=torch.uint8, device="cuda") for slot in outputs]
        for block in blocks:
            block.fill_(0xFF)


def _as_tensors(arena: Arena, result: Any, outputs: list[Slot]) -> list[torch.Tensor]:
    results = _listed(result)
    if len(results) != len(outputs):
        raise Refused(
            Status.INCORRECT,
            f"forward returned {len(results)} outputs instead of {len(outputs)}",
            Defence.EXACT_OUTPUT,
        )
    for number, (tensor, slot) in enumerate(zip(results, outputs, strict=True)):
        if defences.on(Defence.EXACT_OUTPUT):
            _check_output(number, tensor, slot)
        if defences.on(Defence.INPUTS_KEPT):
            _check_memory(number, tensor, arena)
    return results


_NAMED = (
    kind for kind in vars(torch.return_types).values() if isinstance(kind, type) and issubclass(kind, tuple)
)
_TUPLES = frozenset((tuple, list, *_NAMED))


def _listed(result: Any) -> list[Any]:
    """The outputs; a subclass could do its work only while it is being unpacked, but not torch's own named tuples."""
    plain = type(result) in _TUPLES
    if not plain and isinstance(result, tuple | list) and defences.on(Defence.EXACT_OUTPUT):
        kind = type(result).__name__
        raise Refused(Status.INCORRECT, f"forward returned a {kind}, not a plain tuple", Defence.EXACT_OUTPUT)
    return list(result) if isinstance(result, tuple | list) else [result]


def _check_output(number: int, tensor: Any, slot: Slot) -> None:
    """A plain tensor, of just the right kind, on the card."""
    if type(tensor) is not torch.Tensor and type(tensor) is not torch.nn.Parameter:
        problem = f"is a {type(tensor).__name__}, not a torch.Tensor"
    elif vars(tensor):  # methods of its own could do the work while it is being looked at
        problem = "has attributes of its own"
    elif dtype_name(tensor.dtype) != slot.dtype:
        problem = f"is {dtype_name(tensor.dtype)} instead of {slot.dtype}"
    elif tuple(tensor.shape) != slot.shape:
        problem = f"has the shape {tuple(tensor.shape)} instead of {slot.shape}"
    elif not tensor.is_cuda:
        problem = f"is on {tensor.device}, not on the GPU"
    else:
        return
    raise Refused(Status.INCORRECT, f"output {number} {problem}", Defence.EXACT_OUTPUT)


def _check_memory(number: int, tensor: torch.Tensor, arena: Arena) -> None:
    """An output in the shared memory is an input, or could still change after it seems to be handed over."""
    storage = torch.Tensor.untyped_storage(tensor)
    begin, end = storage.data_ptr(), storage.data_ptr() + storage.nbytes()
    if begin < arena.base.data_ptr() + arena.base.numel() and arena.base.data_ptr() < end:
        raise Refused(
            Status.REJECTED,
            f"output {number} is one of the inputs or shares its memory",
            Defence.INPUTS_KEPT,
        )


def synchronize() -> None:
    """Wait for the card, where there is one."""
    if os.environ.get("TRITON_INTERPRET") != "1":
        torch.cuda.synchronize()
