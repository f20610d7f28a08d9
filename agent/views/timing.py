"""Measured times with their intervals: how far one kernel's own processes agree, and pair by pair."""

from __future__ import annotations

import math

from kernelwright.evaluator.evaluation import Evaluation, Timing
from kernelwright.evaluator.statistics import interval
from rich.table import Table

from .text import milliseconds, time_of, times


def spread(timing: Timing) -> tuple[float, float] | None:
    """95 % t-interval of the time in ms, over the medians of its processes; None for fewer than two.

    It tells how well the time is known on that card and day. Whether one kernel is faster than another is
    told by the paired gain alone, in which what both have in common cancels.
    """
    logs = [math.log(candidate) for candidate, _ in timing.samples if candidate > 0]
    if len(logs) < 2:
        return None
    _, low, high = interval(logs)
    return min(low, timing.median_ms), max(
        high, timing.median_ms
    )  # a median may lie outside a mean's interval


def time_with_interval(evaluation: Evaluation | None) -> str:
    """``0.215 ms [0.214, 0.216]``, an estimate with its range, or a dash."""
    known = spread(evaluation.timing) if evaluation and evaluation.timing else None
    return f"{time_of(evaluation)} {bounds(*known)}" if known else time_of(evaluation)


def bounds(low: float, high: float) -> str:
    """``[0.214, 0.216]``, with as many digits as it takes to tell the ends apart."""
    for digits in (3, 4, 5):
        ends = [f"{end:#.{digits}g}".rstrip(".") for end in (low, high)]
        if ends[0] != ends[1]:
            break
    return f"[{', '.join(ends)}]"


def pairs_table(timing: Timing, baseline: str) -> Table:
    """Each pair of processes: both times, and the gain that is their ratio."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("pair", "this kernel", baseline, "gain"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, (candidate, other) in enumerate(timing.samples, 1):
        gain = times(other / candidate) if candidate > 0 else "—"
        table.add_row(str(number), milliseconds(candidate), milliseconds(other), gain)
    return table
