"""Several contenders against each other: fresh processes of all of them in every round, interleaved."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from contextlib import ExitStack

from ..protocol import Progress, Standing
from ..runners import Failure
from ..statistics import interval
from .sides import Side
from .timing import Process, Stopwatch

_FEWEST = 3
_NARROW = 1.02
"""Upper over lower end of a 95 % interval."""


def head_to_head(
    sides: list[Side], watch: Callable[[], Stopwatch], tell: Progress, rounds: int = 5
) -> list[Standing]:
    """Speedups over the first side; a side that fails is left out from then on, with its reason.

    At most so many rounds, fewer when all speedups are known well enough.
    """
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    failed: dict[str, str] = {}
    for number in range(rounds):
        tell(f"head to head, round {number + 1} of {rounds}")
        for name, ms in _round([side for side in sides if side.name not in failed], watch(), failed).items():
            times[name].append(ms)
        standings = [standing(side.name, times, sides[0].name, failed) for side in sides]
        if settled(standings):
            break
    return standings


def settled(standings: list[Standing]) -> bool:
    """Whether every speedup rests on enough rounds and its interval is narrow. Pure."""
    known = [one for one in standings if one.speedup_ci95 is not None]
    return bool(known) and all(
        one.rounds >= _FEWEST and one.speedup_ci95[1] <= _NARROW * one.speedup_ci95[0]
        for one in known
        if one.speedup_ci95 is not None
    )


def _round(sides: list[Side], watch: Stopwatch, failed: dict[str, str]) -> dict[str, float]:
    """Median ms by name; empty when the card throttled. Sides that fail are added to ``failed``."""
    with ExitStack() as stack:
        begun = {
            side.name: _begin(side, watch, stack, failed) for side in sides
        }  # all start at the same time
        ready = [
            process for name, processes in begun.items() for process in _warm(name, processes, watch, failed)
        ]
        try:
            if not ready or not watch.contest(ready, ready[0]):
                return {}
        except Failure as failure:
            failed[failure.about or ready[0].side.name] = failure.reason
            return {}
        return {process.side.name: process.median for process in ready}


def _begin(side: Side, watch: Stopwatch, stack: ExitStack, failed: dict[str, str]) -> list[Process]:
    try:
        return watch.begin([side], stack)
    except Failure as failure:
        failed[side.name] = failure.reason
        return []


def _warm(name: str, processes: list[Process], watch: Stopwatch, failed: dict[str, str]) -> list[Process]:
    try:
        watch.warm_up(processes)
    except Failure as failure:
        failed[name] = failure.reason
        return []
    return processes


def standing(
    name: str, times: dict[str, list[float]], first: str, failed: dict[str, str] | None = None
) -> Standing:
    """How one contender did, from the rounds' medians in ms. Pure."""
    mine, base = times[name], times[first]
    if name in (failed or {}) or not mine:
        return Standing(
            name=name, median_ms=None, reason=(failed or {}).get(name, "every round was discarded")
        )
    ratios = [math.log(b / m) for m, b in zip(mine, base, strict=False)]
    found = interval(ratios) if ratios else None
    return Standing(
        name=name,
        median_ms=statistics.median(mine),
        speedup=found.ratio if found else None,
        speedup_ci95=(found.low, min(found.high, 1e9)) if found else None,
        rounds=len(mine),
    )
