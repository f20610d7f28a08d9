"""What is made of the times that runners report."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.measured.head_to_head import standing
from kernelwright.evaluator.measured.timing import Process, _times, check_walls, summarise
from kernelwright.evaluator.runners import Failure

ms = st.floats(0.01, 100)


@given(st.lists(st.tuples(ms, ms), min_size=2, max_size=12))
def test_a_summary_agrees_with_its_samples(pairs):
    timing = summarise(pairs, "eager", 1)
    mean = math.fsum(math.log(base / mine) for mine, base in pairs) / len(pairs)
    assert math.log(timing.speedup) == pytest.approx(mean, abs=1e-9)
    assert timing.pairs == len(pairs) == len(timing.samples)
    assert min(mine for mine, _ in pairs) <= timing.median_ms <= max(mine for mine, _ in pairs)


NONSENSE = ["fast", [], [0.0], [-1.0], [float("nan")], [float("inf")], [10**400], [1.0, 1.0], None]


@pytest.mark.parametrize("told", NONSENSE, ids=lambda told: str(told)[:12])
def test_times_that_are_no_times_are_rejected(told):
    with pytest.raises(Failure) as caught:
        _times({"ms": told}, 1)
    assert caught.value.status is Status.REJECTED


def test_a_standing_is_relative_to_the_first():
    times = {"eager": [8.0, 8.1, 7.9], "best": [0.4, 0.41, 0.39]}
    found = standing("best", times, "eager")
    assert found.speedup == pytest.approx(20, rel=0.02)
    assert found.rounds == 3


def test_a_contender_that_failed_has_a_reason_and_no_time():
    found = standing("best", {"eager": [8.0], "best": [0.4]}, "eager", {"best": "it crashed"})
    assert found.median_ms is None
    assert found.reason == "it crashed"


def process(event_ms: float, wall_ms: float) -> Process:
    return Process(side=None, runner=None, times=[event_ms] * 9, walls=[wall_ms, wall_ms, 100.0])  # type: ignore[arg-type]


def test_halved_events_are_caught_by_the_judges_clock():
    with pytest.raises(Failure) as caught:
        check_walls(process(1.9, 4.2), process(3.8, 4.2))
    assert caught.value.status is Status.REJECTED


def test_a_gain_that_the_clock_saw_is_believed():
    check_walls(process(0.6, 1.1), process(3.8, 4.3))


@given(ms, ms, st.floats(0, 5))
def test_honest_times_are_never_refused(mine, base, overhead):
    check_walls(process(mine, mine + overhead), process(base, base + overhead))
