"""Which iterations of a long loop are run, and how many of the others each of them stands for."""

from __future__ import annotations

from dataclasses import dataclass

OUTER_RUN = 16
INNER_RUN = 4


@dataclass(frozen=True)
class Run:
    """Consecutive iterations ``[start, start + length)``; each counts ``weight`` times."""

    start: int
    length: int
    weight: float


def plan(iterations: int, depth: int) -> list[Run]:
    """Runs that stand for a loop of ``iterations``, nested ``depth`` loops deep (0: outermost).

    Short loops run in full. Of a long one the first and the last run count for themselves, and two runs in
    the middle, at the quarters, stand for all the rest, so a quantity that grows evenly from iteration to
    iteration is still summed rightly. Runs are consecutive, and begin at multiples of their length, so that
    neighbours that share a sector are seen to share it.
    """
    run = INNER_RUN if depth else OUTER_RUN
    if iterations <= 6 * run:
        return [Run(0, iterations, 1.0)] if iterations > 0 else []
    skipped = iterations - 2 * run
    weight = skipped / (2 * run)
    middle = [run * round((run + skipped * part - run / 2) / run) for part in (0.25, 0.75)]
    return [
        Run(0, run, 1.0),
        *(Run(start, run, weight) for start in middle),
        Run(iterations - run, run, 1.0),
    ]
