"""What is made of the rounds in which all contenders meet."""

import pytest
from kernelwright.evaluator.measured.head_to_head import settled, standing


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
