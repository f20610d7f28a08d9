"""How the work is laid out over the grid: counts of programs or splits, work per program, order of tiles."""

from __future__ import annotations

from collections.abc import Iterator

from .anatomy import Anatomy, Literal
from .edits import Change
from .names import is_count, is_group
from .scaling import Scale, scaled, whole

_LARGEST_GRID = 1 << 20
_FACTORS = (2.0, 0.5, 4.0, 0.25, 8.0)
_GROUPS = (8, 4, 16, 2, 32)
"""Rows of tiles that share what lies in L2; eight are what most matrix products do best with."""


def grid_changes(anatomy: Anatomy) -> Iterator[Change]:
    """Twice, half, four times every count; other heights for every group of tiles."""
    counts = [group for name, group in anatomy.literals.items() if is_count(name) and _live(group)]
    groups = [group for name, group in anatomy.literals.items() if is_group(name) and _live(group)]
    for factor, height in zip(_FACTORS, _GROUPS, strict=True):
        yield from (scaled(group, _within_grid(factor)) for group in counts)
        yield from (scaled(group, _to(height)) for group in groups)


def _live(group: list[Literal]) -> bool:
    return any(item.live for item in group)


def _to(height: int) -> Scale:
    return lambda _: height


def _within_grid(factor: float) -> Scale:
    return lambda old: whole(old * factor, 1, _LARGEST_GRID)
