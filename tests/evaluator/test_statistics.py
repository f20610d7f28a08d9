"""Paired statistics: intervals, when to stop, the A/A floor."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator import statistics
from kernelwright.evaluator.statistics import MAX_PAIRS, MIN_PAIRS, Next, interval, next_pair, noise_floor

log_ratios = st.lists(st.floats(-2, 2), min_size=1, max_size=20)


@given(log_ratios)
def test_the_interval_holds_its_ratio(ratios):
    found = interval(ratios)
    assert found.low <= found.ratio * (1 + 1e-12)
    assert found.ratio <= found.high * (1 + 1e-12)


@given(log_ratios)
def test_swapping_the_sides_inverts_the_ratio(ratios):
    assert interval([-r for r in ratios]).ratio == pytest.approx(1 / interval(ratios).ratio)


def test_the_interval_agrees_with_a_textbook_example():
    # mean 10, s = 2, n = 4: 10 ± 3.182 * 2 / 2
    values = [10 - math.sqrt(6), 10.0, 10.0, 10 + math.sqrt(6)]
    found = interval([v / 10 for v in values])
    reach = 3.182 * math.sqrt(12 / 3) / 2 / 10
    assert math.log(found.low) == pytest.approx(1 - reach)
    assert math.log(found.high) == pytest.approx(1 + reach)


def test_one_pair_proves_nothing():
    assert interval([5.0]).low == 0
    assert next_pair([5.0], 0.02) is Next.MORE


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=MAX_PAIRS), st.floats(0, 0.2))
def test_faster_is_never_said_when_the_interval_holds_one(ratios, threshold):
    if next_pair(ratios, threshold) is Next.FASTER:
        found = interval(ratios)
        assert found.low > 1
        assert found.ratio > 1 + threshold


@given(st.lists(st.floats(-2, 2), min_size=MAX_PAIRS, max_size=MAX_PAIRS))
def test_the_pairs_end(ratios):
    assert next_pair(ratios, 0.02) is not Next.MORE


def test_a_small_gain_needs_the_full_number_of_pairs():
    small = [0.04, 0.041, 0.039, 0.04, 0.0405, 0.0395]
    assert next_pair(small[: MIN_PAIRS - 1], 0.02) is Next.MORE
    assert next_pair(small, 0.02) is Next.FASTER


def test_a_clear_loser_is_stopped_after_two_pairs_and_not_after_one():
    assert next_pair([-0.5], 0.02) is Next.MORE
    assert next_pair([-0.5, -0.11], 0.02) is Next.NOT_FASTER
    assert next_pair([-0.5, -0.05], 0.02) is Next.MORE


def test_a_clear_winner_is_believed_after_three_pairs_and_not_after_two():
    assert next_pair([0.5, 0.5], 0.02) is Next.MORE
    assert next_pair([0.5, 0.51, 0.49], 0.02) is Next.FASTER


@given(log_ratios, st.floats(0, 0.2), st.floats(0, 0.2))
def test_a_higher_threshold_never_makes_a_kernel_faster(ratios, threshold, more):
    if next_pair(ratios, threshold) is not Next.FASTER:
        assert next_pair(ratios, threshold + more) is not Next.FASTER


def test_a_gain_below_the_threshold_is_not_faster():
    assert next_pair([0.010, 0.0101, 0.0099], 0.02) is Next.NOT_FASTER
    assert next_pair([0.010, 0.03, -0.01], 0.02) is Next.MORE


def t_quantile(confidence, freedom):
    """Two-sided, from Student's density: integrated by Simpson's rule over x = sqrt(freedom) tan(u), then bisected."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(math.pi)

    def inside(x):
        end, steps = math.atan(x / math.sqrt(freedom)), 400
        ends = [
            math.cos(end * i / steps) ** (freedom - 1) * (1 + (0 < i < steps) * (1 + i % 2 * 2))
            for i in range(steps + 1)
        ]
        return 2 * scale * math.fsum(ends) * end / steps / 3

    low, high = 0.0, 50.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < confidence else (low, middle)
    return low


def test_the_tables_hold_students_quantiles():
    freedoms = range(1, len(statistics._T95) + 1)
    assert list(statistics._T95) == [pytest.approx(t_quantile(0.95, f), abs=6e-4) for f in freedoms]
    assert {
        n: pytest.approx(t_quantile(0.9, n - 1), abs=6e-4) for n in range(3, MAX_PAIRS)
    } == statistics._T90
    levels = {6: 0.995, 9: 0.995, 12: 0.99}
    assert {n: pytest.approx(t_quantile(levels[n], n - 1), abs=6e-4) for n in levels} == statistics._T_SURE


@given(st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=12))
def test_the_noise_floor_does_not_depend_on_which_copy_is_called_first(ratios):
    assert noise_floor(ratios) == pytest.approx(noise_floor([-r for r in ratios]))
