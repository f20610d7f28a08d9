"""Paired statistics: intervals, when to stop, the A/A floor."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
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


def test_a_clear_loser_is_stopped_early():
    assert next_pair([-0.5, -0.51, -0.49], 0.02) is Next.NOT_FASTER


def test_a_gain_below_the_threshold_is_not_faster():
    assert next_pair([0.010, 0.0101, 0.0099] * 2, 0.02) is Next.NOT_FASTER


def accepted_share(gain: float, trials: int) -> float:
    """Share of simulated contests that end FASTER: 2 % offset per process, 0.5 % noise per round, two rounds."""
    rng = random.Random(20_261_121)
    accepted = 0
    for _ in range(trials):
        ratios: list[float] = []
        while next_pair(ratios, 0.02) is Next.MORE:
            offset = rng.gauss(0, 0.02) - rng.gauss(0, 0.02)
            ratios.append(math.log1p(gain) + offset + rng.gauss(0, 0.005 / math.sqrt(2)))
        accepted += next_pair(ratios, 0.02) is Next.FASTER
    return accepted / trials


def test_noise_is_seldom_taken_for_a_gain():
    assert accepted_share(0.0, 4000) < 0.01


def test_a_real_gain_of_eight_percent_is_mostly_found():
    assert accepted_share(0.08, 1000) > 0.9


@given(st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=12))
def test_the_noise_floor_does_not_depend_on_which_copy_is_called_first(ratios):
    assert noise_floor(ratios) == pytest.approx(noise_floor([-r for r in ratios]))
