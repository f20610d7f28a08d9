"""The changes that a stage's knobs allow on one source, the most promising first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .anatomy import Anatomy
from .blocks import COUNTS, block_changes
from .edits import Change
from .options import stage_changes, warp_changes
from .scaling import Scale, scaled, whole

_LARGEST_GRID = 1 << 20
_FACTORS = (2.0, 4.0, 0.5, 8.0, 0.25)


def changes(anatomy: Anatomy, knobs: Sequence[str], tiled: bool) -> list[Change]:
    """Every change, in order; ``tiled`` says whether the kernels multiply matrices (tl.dot)."""
    weights = {"block": 1.0, "grid": 1.0, "num_warps": 1.0, "num_stages": 1.5 if tiled else 2.5}
    ranked: list[tuple[float, Change]] = []
    lists = _lists(anatomy, tiled)
    for knob in dict.fromkeys(knobs):
        found = [change for change in lists[knob]() if change] if knob in lists else []
        ranked += [(place * weights[knob], change) for place, change in enumerate(found, start=1)]
    return [change for _, change in sorted(ranked, key=lambda item: item[0])]


def grid_changes(anatomy: Anatomy) -> Iterator[Change]:
    """Twice, four times, half of every count of programs, splits or blocks."""
    groups = [
        group
        for name, group in anatomy.literals.items()
        if COUNTS.search(name) and any(item.live for item in group)
    ]
    for factor in _FACTORS:
        for group in groups:
            yield scaled(group, _within_grid(factor))


def _within_grid(factor: float) -> Scale:
    return lambda old: whole(old * factor, 1, _LARGEST_GRID)


def _lists(anatomy: Anatomy, tiled: bool) -> dict[str, Callable[[], Iterator[Change]]]:
    return {
        "block": lambda: block_changes(anatomy, tiled),
        "grid": lambda: grid_changes(anatomy),
        "num_warps": lambda: warp_changes(anatomy),
        "num_stages": lambda: stage_changes(anatomy),
    }
