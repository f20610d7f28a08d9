"""Statistics of paired timings: t-intervals over the mean log-ratios of pairs of fresh processes. Pure.

Rounds inside one pair of processes share its placement and its autotuner's choice, so they are no independent
evidence; the pair is the unit (one median per process, one log-ratio per pair).
"""

from __future__ import annotations

import math
from enum import Enum
from typing import NamedTuple

MIN_PAIRS = 6
"""Pairs before a small gain may be believed."""
MAX_PAIRS = 12
BATCH = 3
"""Pairs whose processes are started together; decisions are taken between batches."""
_EARLY_GAIN = 0.10
"""A gain whose whole interval lies above this is believed after the first pairs already."""

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom (any statistical table).
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
# Two-sided 99 % quantiles, by the number of pairs at which a decision is taken.
_T99 = {6: 4.032, 9: 3.355, 12: 3.106}


class Interval(NamedTuple):
    """A ratio with its 95 % interval."""

    ratio: float
    low: float
    high: float


def log_ratios(pairs: list[tuple[float, float]]) -> list[float]:
    """Per pair (candidate ms, baseline ms): the logarithm of the candidate's speedup."""
    return [math.log(baseline / candidate) for candidate, baseline in pairs]


def interval(ratios: list[float]) -> Interval:
    """Geometric mean and 95 % t-interval of at least one pair's log-ratio; one pair alone has an infinite one."""
    count = len(ratios)
    mean = math.fsum(ratios) / count
    if count == 1:
        return Interval(math.exp(mean), 0.0, math.inf)
    variance = math.fsum((value - mean) ** 2 for value in ratios) / (count - 1)
    reach = _T95[min(count - 1, len(_T95)) - 1] * math.sqrt(variance / count)
    return Interval(math.exp(mean), math.exp(mean - reach), math.exp(min(mean + reach, 700.0)))


def _surely_above_one(ratios: list[float]) -> bool:
    """Whether the 99 % interval lies above 1: stricter than what is reported, since there are several looks."""
    found = interval(ratios)
    widened = _T99[len(ratios)] / _T95[len(ratios) - 2]
    return math.log(found.ratio) - widened * (math.log(found.ratio) - math.log(found.low)) > 0


class Next(Enum):
    """What the pairs so far call for."""

    MORE = "more"
    FASTER = "faster"
    NOT_FASTER = "not faster"


def next_pair(ratios: list[float], threshold: float) -> Next:
    """Whether another pair is needed, for a gain that has to exceed ``threshold`` (relative).

    A clear loser or a very clear winner is stopped after `BATCH`; a small gain needs `MIN_PAIRS` at
    least; what is open after `MAX_PAIRS` is not faster.
    """
    if len(ratios) < BATCH:
        return Next.MORE
    found = interval(ratios)
    if found.high < 1 + threshold and found.ratio < 1 - threshold:
        return Next.NOT_FASTER
    if found.low > 1 + max(_EARLY_GAIN, threshold):
        return Next.FASTER
    if len(ratios) < MIN_PAIRS or len(ratios) % BATCH:
        return Next.MORE
    if _surely_above_one(ratios) and found.ratio > 1 + threshold:
        return Next.FASTER
    if found.high < 1 + threshold or len(ratios) >= MAX_PAIRS:
        return Next.NOT_FASTER
    return Next.MORE


def noise_floor(ratios: list[float]) -> float:
    """Largest relative gain that pairs of two copies of one kernel cannot exclude."""
    found = interval(ratios)
    return max(found.high - 1, 1 / found.low - 1 if found.low > 0 else math.inf)
