"""A time's interval: what the processes' own medians say, and nothing where they say nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.views.timing import bounds, spread, time_with_interval
from kernelwright.evaluator.evaluation import Timing
from sample_campaigns import FASTER, measured, offline_record

times = st.floats(1e-3, 1e3)


def timing(samples: list[tuple[float, float]], median_ms: float = 1.0) -> Timing:
    return Timing(
        median_ms=median_ms,
        baseline="eager",
        baseline_ms=1.0,
        speedup=1.0,
        speedup_ci95=(1.0, 1.0),
        pairs=len(samples),
        samples=samples,
    )


@given(st.lists(st.tuples(times, times), min_size=2, max_size=12))
def test_the_interval_holds_the_median(samples: list[tuple[float, float]]) -> None:
    median = sorted(own for own, _ in samples)[len(samples) // 2]
    found = spread(timing(samples, median))
    assert found is not None
    assert found[0] <= median <= found[1]


@given(st.lists(st.tuples(times, times), min_size=2, max_size=12), st.floats(0.1, 10))
def test_the_baseline_does_not_widen_it(samples: list[tuple[float, float]], factor: float) -> None:
    other = [(own, baseline * factor) for own, baseline in samples]
    assert spread(timing(samples)) == spread(timing(other))


@given(times, st.integers(2, 12))
def test_equal_times_leave_no_doubt(ms: float, count: int) -> None:
    assert spread(timing([(ms, 1.0)] * count, ms)) == pytest.approx((ms, ms))


@pytest.mark.parametrize("samples", [[], [(0.5, 1.0)], [(0.0, 1.0), (0.0, 1.0)]])
def test_fewer_than_two_processes_say_nothing(samples: list[tuple[float, float]]) -> None:
    assert spread(timing(samples)) is None


def test_a_known_case() -> None:
    """Of 1, 2 and 4 ms: mean log ln 2, standard error ln 2 / sqrt 3, t = 4.303 at two degrees of freedom."""
    assert spread(timing([(1, 1), (2, 1), (4, 1)], 2)) == pytest.approx((0.3574, 11.19), rel=1e-3)


def test_a_time_stands_with_its_interval_and_an_estimate_with_its_range() -> None:
    found = measured(FASTER, 0.318, "eager", 3.87)
    assert time_with_interval(found) == "0.318 ms"
    assert found.timing is not None
    found.timing.samples = [(0.317, 3.8), (0.318, 3.9), (0.319, 3.9)]
    assert time_with_interval(found) == "0.318 ms [0.316, 0.320]"
    assert time_with_interval(offline_record().attempts[1].evaluation) == "0.610 ms est. (0.488–0.793)"
    assert time_with_interval(None) == "—"


def test_the_ends_are_told_apart() -> None:
    assert bounds(0.58301, 0.58349) == "[0.5830, 0.5835]"
    assert bounds(3.76, 3.8) == "[3.76, 3.80]"
    assert bounds(120.4, 133.0) == "[120, 133]"
