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
"""Pairs whose processes are started together."""
_EARLY_GAIN = 0.10
"""A gain whose whole interval lies above this is believed after the first `BATCH` pairs already."""
_CLEAR_LOSS = 0.10
"""What is slower by more than this in every pair, two at least, is tried no further."""

# Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom (any statistical table).
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
# Two-sided 90 % quantiles for 2 to 10 degrees of freedom, by the number of pairs.
_T90 = {3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015, 7: 1.943, 8: 1.895, 9: 1.860, 10: 1.833, 11: 1.812}
# By the number of pairs at which a small gain may be believed: 99.5, 99.5 and 99 %, stricter than what is
# reported, since there are several looks. `python -m kernelwright.evaluator.simulation` shows what comes of it.
_T_SURE = {6: 4.773, 9: 3.833, 12: 3.106}


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
    reach = _T95[min(count - 1, len(_T95)) - 1] * _standard_error(ratios)
    return Interval(math.exp(mean), math.exp(mean - reach), math.exp(min(mean + reach, 700.0)))


def _standard_error(values: list[float]) -> float:
    """Of the mean of at least two values."""
    count = len(values)
    mean = math.fsum(values) / count
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1) / count)


class Next(Enum):
    """What the pairs so far call for."""

    MORE = "more"
    FASTER = "faster"
    NOT_FASTER = "not faster"


def next_pair(ratios: list[float], threshold: float) -> Next:
    """Whether another pair is needed, for a gain that has to exceed ``threshold`` (relative).

    A clear loser is stopped after two pairs, and a very clear winner after `BATCH`; from then on what has no
    prospect of exceeding the threshold is stopped too. A small gain needs `MIN_PAIRS` at least; what is open
    after `MAX_PAIRS` is not faster.
    """
    count = len(ratios)
    if count > 1 and all(ratio < -math.log1p(_CLEAR_LOSS) for ratio in ratios):
        return Next.NOT_FASTER
    if count < BATCH:
        return Next.MORE
    if interval(ratios).low > 1 + max(_EARLY_GAIN, threshold):
        return Next.FASTER
    mean, needed = math.fsum(ratios) / count, math.log1p(threshold)
    if count in _T_SURE and mean > needed and mean > _T_SURE[count] * _standard_error(ratios):
        return Next.FASTER
    if count >= MAX_PAIRS or mean + _T90[count] * _standard_error(ratios) < needed:
        return Next.NOT_FASTER
    return Next.MORE


def surely_above(values: list[float]) -> float:
    """What the mean of the values surely exceeds; minus infinity where the number of pairs allows no such word."""
    if len(values) not in _T_SURE:
        return -math.inf
    return math.fsum(values) / len(values) - _T_SURE[len(values)] * _standard_error(values)


def noise_floor(ratios: list[float]) -> float:
    """Largest relative gain that pairs of two copies of one kernel cannot exclude."""
    found = interval(ratios)
    return max(found.high - 1, 1 / found.low - 1 if found.low > 0 else math.inf)
