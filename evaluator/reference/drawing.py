"""A task's own inputs, drawn from a secret seed where they are needed, and their families."""

from __future__ import annotations

import random
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import numpy as np
import torch

from .families import Character, characterise, mapped


def seed_everything(seed: int) -> None:
    """For torch on every device, numpy and Python: a task's file may draw from any of them."""
    random.seed(seed)
    np.random.seed(seed % (1 << 32))
    torch.manual_seed(seed)


class Inputs:
    """Draws of one reference's ``get_inputs`` on one device. Raises what ``get_inputs`` raises."""

    def __init__(self, module: ModuleType, device: str, bounded: bool) -> None:
        self._module = module
        self._bounded = bounded
        """Whether what lies in [0, 1] has to stay there."""
        self._device = device
        self._there = True
        """Whether get_inputs can draw on the device itself, which is faster on a card."""
        first, second = (self.own(seed) for seed in (1, 2))  # what they are like is no secret
        self.characters = [_character(one, other) for one, other in zip(first, second, strict=True)]
        pairs = [(a, b) for a, b in zip(first, second, strict=True) if isinstance(a, torch.Tensor)]
        self.vary = any(not torch.equal(one, other) for one, other in pairs)
        """Whether the seed changes anything."""

    def own(self, seed: int) -> list[Any]:
        """What get_inputs gives with that seed: contiguous tensors on the device, and plain values."""
        with torch.no_grad():
            return [self._ready(value) for value in self._drawn(seed)]

    def draw(self, family: str, seed: int) -> list[Any]:
        """The same, brought into that family."""
        values = self.own(seed)
        return [
            mapped(family, value, own, seed, self._bounded) if own else value
            for value, own in zip(values, self.characters, strict=True)
        ]

    def one_sided(self) -> bool:
        """Whether there is an input whose values all have the same sign, other than masks and the like."""
        return any(own is not None and own.one_sided and not own.kept for own in self.characters)

    def _drawn(self, seed: int) -> list[Any]:
        seed_everything(seed)
        with torch.device(self._device) if self._there else nullcontext():
            try:
                return list(self._module.get_inputs())
            except (torch.OutOfMemoryError, torch.AcceleratorError):
                raise
            except Exception:
                if not self._there or self._device == "cpu":
                    raise
        self._there = False  # tensors that lie elsewhere meet those that do not say where they lie
        return self._drawn(seed)

    def _ready(self, value: Any) -> Any:
        return value.detach().to(self._device).contiguous() if isinstance(value, torch.Tensor) else value


def _character(first: Any, second: Any) -> Character | None:
    if isinstance(first, torch.Tensor) and first.is_floating_point():
        return characterise(first, second)
    return None
