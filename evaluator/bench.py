"""A task laid out in one shared arena: input sets, parameters, output sets. Judge's side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .exchange import Arena, Slot, lay_out
from .protocol import TaskFacts
from .reference.contract import PLAIN


class Bench:
    """Where a runner finds its inputs and leaves its outputs: ``sets`` of both, used in turns.

    ``flush_bytes`` more are there to be written before each timed call.
    """

    def __init__(
        self, facts: TaskFacts, create: Callable[[int], Arena], sets: int = 1, flush_bytes: int = 0
    ) -> None:
        tensors = [f for f in facts.inputs if not f.dtype.startswith(PLAIN)]
        groups = {"inputs": tensors, "outputs": facts.outputs}
        self.inputs: list[list[Slot]] = []
        self.outputs: list[list[Slot]] = []
        end = 0
        for _ in range(sets):
            for name, members in groups.items():
                slots, end = lay_out([(f.dtype, tuple(f.shape)) for f in members], end)
                getattr(self, name).append(slots)
        parameters, end = lay_out([(f.dtype, tuple(f.shape)) for f in facts.parameters], end)
        self.parameters = {f.name: slot for f, slot in zip(facts.parameters, parameters, strict=True)}
        self.sets = sets
        self.flush: Slot | None = None
        if flush_bytes:
            (self.flush,), end = lay_out([("uint8", (flush_bytes,))], end)
        self.arena = create(end)

    def write_inputs(self, values: list[Any], which: int = 0) -> list[Any]:
        """Copy a call's tensors in; returns the values as a runner takes them, slots for tensors."""
        slots = iter(self.inputs[which])
        handed: list[Any] = []
        for value in values:
            if isinstance(value, torch.Tensor):
                slot = next(slots)
                self.arena.view(slot).copy_(value)
                handed.append(slot)
            else:
                handed.append(value)
        return handed

    def write_parameters(self, values: dict[str, torch.Tensor]) -> None:
        """Copy the parameters in."""
        for name, slot in self.parameters.items():
            self.arena.view(slot).copy_(values[name])

    def inputs_unchanged(self, values: list[Any], which: int = 0) -> bool:
        """Whether a runner left the inputs as they were written (NaN counts as equal to itself)."""
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        pairs = zip(tensors, self.inputs[which], strict=True)
        return all(torch.equal(_bits(tensor), _bits(self.arena.view(slot))) for tensor, slot in pairs)

    def poison(self, which: int = 0) -> None:
        """Fill the outputs with NaN (0xFF bytes), so that nothing stale can pass for an answer."""
        for slot in self.outputs[which]:
            self.arena.base[slot.offset : slot.offset + slot.nbytes].fill_(0xFF)

    def flushed(self, stamp: int) -> bool:
        """Whether a runner filled the flush buffer with that byte, looked at in many places."""
        if self.flush is None:
            return True
        stamped = self.arena.view(self.flush)
        places = torch.randint(stamped.numel(), (4096,), device=stamped.device)
        return bool((stamped[places] == stamp).all())

    def written(self, which: int = 0) -> bool:
        """Whether nothing of `poison` is left in floating-point outputs, looked at in many places."""
        for slot in self.outputs[which]:
            found = self.arena.view(slot)
            if found.is_floating_point() and found.numel():
                places = torch.randint(found.numel(), (4096,), device=found.device)
                sample = found.flatten()[places].contiguous().view(torch.uint8)
                if bool((sample.view(-1, found.element_size()) == 0xFF).all(dim=1).any()):
                    return False
        return True

    def read_outputs(self, which: int = 0) -> list[torch.Tensor]:
        """Private copies of the outputs, out of the runner's reach."""
        return [self.arena.view(slot).clone() for slot in self.outputs[which]]

    def close(self) -> None:
        """Give the memory back."""
        self.arena.close()


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(torch.uint8) if tensor.dim() else tensor.reshape(1).view(torch.uint8)


def synchronize(device: str) -> None:
    """Let everything that the judge wrote be there before a runner is told to read it."""
    if device == "cuda":
        torch.cuda.synchronize()
