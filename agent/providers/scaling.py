"""Integers of a source multiplied or shifted within a range."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libcst as cst

from .anatomy import Literal
from .edits import Change

Scale = Callable[[int], int | None]
"""Gives the new value of an integer, or None where it would leave its range."""


def scaled(literals: Sequence[Literal], scale: Scale, what: str | None = None) -> Change:
    """All of these integers changed, or nothing when one of them would leave its range."""
    values: dict[cst.BaseExpression, int] = {}
    words: list[str] = []
    for item in literals:
        new = scale(item.value)
        if new is None:
            return Change()
        if new != item.value:
            values[item.node] = new - item.less
            words.append(f"{what or item.name} from {item.value} to {new}")
    return Change(values, {}, tuple(dict.fromkeys(words)))


def whole(value: float, least: int, most: int) -> int | None:
    """``value`` when it is an integer within these bounds, which belong to it."""
    return int(value) if value == int(value) and least <= value <= most else None
