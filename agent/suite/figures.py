"""What all tasks of one place come to: how far the best kernels are ahead of eager and of ``torch.compile``. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from .rows import Place, Row


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Speedups(_Model):
    """Speedups of the best kernels over one contender, over the tasks where both have a time."""

    tasks: int
    median: float
    geometric_mean: float


class Figures(_Model):
    """The last lines of the table."""

    place: Place
    over_eager: Speedups | None
    over_compile: Speedups | None
    """From the medians of the head to head."""
    faster_than_compile: int
    """In how many tasks of `over_compile`."""


def figures(place: Place, rows: Sequence[Row]) -> Figures:
    """Over the rows of one place."""
    eager = [found for row in rows if (found := row.entry("best").speedup) is not None]
    compiled = [found for row in rows if (found := over_compile(row)) is not None]
    return Figures(
        place=place,
        over_eager=_speedups(eager),
        over_compile=_speedups(compiled),
        faster_than_compile=sum(factor > 1 for factor in compiled),
    )


def over_compile(row: Row) -> float | None:
    """The best kernel's speedup over ``torch.compile``, from medians; None where one has no time."""
    best, compiled = row.entry("best").median_ms, row.entry("compile").median_ms
    return compiled / best if best and compiled else None


def _speedups(found: list[float]) -> Speedups | None:
    if not found:
        return None
    return Speedups(
        tasks=len(found),
        median=statistics.median(found),
        geometric_mean=statistics.geometric_mean(found),
    )
