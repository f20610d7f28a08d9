"""Scales and ticks of the gain chart: numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDE = 5.0
"""Largest over smallest time from which the axis is logarithmic."""


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] onto [start, end], both ends included; logarithmic where asked for."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, kept inside the ends."""
        share = (self._warp(value) - self._warp(self.low)) / (self._warp(self.high) - self._warp(self.low))
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def _warp(self, value: float) -> float:
        return math.log(max(value, self.low)) if self.log else value


def time_scale(values: Sequence[float], start: float, end: float) -> Scale:
    """An axis on which all the positive values fit with some air; from zero unless their range is wide."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if values and high / low > WIDE:
        air = (high / low) ** 0.06
        return Scale(low / air, high * air, start, end, log=True)
    return Scale(0.0, high * 1.08, start, end)


def ticks(scale: Scale, most: int = 8) -> list[float]:
    """Round values within the scale: 1, 2, 5 of each decade, or powers of ten when those are too many."""
    return _log_ticks(scale, most) if scale.log else _linear_ticks(scale.low, scale.high, most)


def whole_ticks(count: int, most: int) -> list[int]:
    """Round whole numbers from 0 below `count`."""
    step = max(1, math.ceil(_round_step((count - 1) / most))) if count > 1 else 1
    return list(range(0, count, step))


def _log_ticks(scale: Scale, most: int) -> list[float]:
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for digits in ((1, 2, 5), (1,)):
        found = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
        inside = [value for value in found if scale.low <= value <= scale.high]
        if len(inside) <= most:
            return inside
    return inside[:: math.ceil(len(inside) / most)]


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    step = _round_step((high - low) / most)
    first = math.ceil(low / step)
    return [n * step for n in range(first, first + most + 1) if n * step <= high]


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `least`."""
    decade = 10.0 ** math.floor(math.log10(least))
    return next(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= least * (1 - 1e-9))


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near to the wanted ones as a gap between neighbours allows, in the same order as given."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + gap if placed else low))
    limit = high
    for rank in reversed(range(len(placed))):
        placed[rank] = min(placed[rank], limit)
        limit = placed[rank] - gap
    result = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        result[index] = placed[rank]
    return result


def rows(labels: Sequence[tuple[float, float]], most: int = 3, gap: float = 8) -> list[int | None]:
    """For labels (start, width) from left to right, the first row with room; None: no row has."""
    ends = [float("-inf")] * most
    found: list[int | None] = []
    for start, width in labels:
        row = next((row for row, end in enumerate(ends) if start >= end), None)
        if row is not None:
            ends[row] = start + width + gap
        found.append(row)
    return found
