"""What the judge orders a runner to do with a model: build it, call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .exchange import ArenaAddress, Slot


@dataclass
class Load:
    """Import a source, build its model."""

    source: str
    """Path of the file."""
    entry: str
    """``ModelNew`` for a candidate, ``Model`` for a reference that is timed as a baseline."""
    init_inputs: list[Any]
    arena: ArenaAddress
    compiled: bool = False
    """Wrap the model in torch.compile."""


@dataclass
class Call:
    """One call of the model. It looks the same whether its outputs, its time or both are wanted."""

    inputs: list[Slot | Any]
    """Slots are tensors in the arena, everything else is passed as it is."""
    outputs: list[Slot]
    flush: Slot | None
    """Filled with `stamp` before the call, which drives everything else out of L2; None without a card."""
    stamp: int
