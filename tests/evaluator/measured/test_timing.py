"""What is made of the times that runners report."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.calling import Called, _milliseconds
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.measured.head_to_head import settled, standing
from kernelwright.evaluator.measured.timing import Process, summarise
from kernelwright.evaluator.runners import Failure

ms = st.floats(0.01, 100)


@given(st.lists(st.tuples(ms, ms), min_size=2, max_size=12))
def test_a_summary_agrees_with_its_samples(pairs):
    timing = summarise(pairs, "eager", 1)
    mean = math.fsum(math.log(base / mine) for mine, base in pairs) / len(pairs)
    assert math.log(timing.speedup) == pytest.approx(mean, abs=1e-9)
    assert timing.pairs == len(pairs) == len(timing.samples)
    assert min(mine for mine, _ in pairs) <= timing.median_ms <= max(mine for mine, _ in pairs)


NONSENSE = ["fast", [], 0.0, -1.0, float("nan"), float("inf"), 10**400, True, None]


@pytest.mark.parametrize("told", NONSENSE, ids=lambda told: str(told)[:12])
def test_a_time_that_is_no_time_is_rejected(told):
    with pytest.raises(Failure) as caught:
        _milliseconds(told)
    assert caught.value.status is Status.REJECTED


def test_a_standing_is_relative_to_the_first():
    times = {"eager": [8.0, 8.1, 7.9], "best": [0.4, 0.41, 0.39]}
    found = standing("best", times, "eager")
    assert found.speedup == pytest.approx(20, rel=0.02)
    assert found.rounds == 3


@pytest.mark.parametrize(
    ("rounds", "spread", "enough"),
    [(2, 0.0, False), (3, 0.0, True), (3, 0.002, True), (3, 0.02, False), (5, 0.002, True)],
)
def test_contenders_meet_until_three_rounds_agree(rounds, spread, enough):
    mine = [0.4 * (1 + spread * (-1) ** number) for number in range(rounds)]
    times = {"eager": [8.0] * rounds, "best": mine}
    assert settled([standing(name, times, "eager") for name in times]) is enough


def test_nothing_is_settled_when_nobody_was_timed():
    times = {"eager": [], "best": []}
    assert not settled([standing(name, times, "eager") for name in times])


def test_a_contender_that_failed_does_not_keep_the_others():
    times = {"eager": [8.0] * 3, "best": [0.4] * 3, "other": [1.0]}
    assert settled([standing(name, times, "eager", {"other": "it crashed"}) for name in times])


def test_a_contender_that_failed_has_a_reason_and_no_time():
    found = standing("best", {"eager": [8.0], "best": [0.4]}, "eager", {"best": "it crashed"})
    assert found.median_ms is None
    assert found.reason == "it crashed"


def test_what_most_calls_launched_is_what_a_process_launches():
    called = [Called(0, 1.0, 2.0, launched, ()) for launched in (("a",), ("b",), ("b",))]
    assert Process(side=None, runner=None, called=called).launched == ("b",)  # type: ignore[arg-type]
