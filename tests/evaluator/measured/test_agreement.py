"""Witnesses of a time: each refuses what it is there for, lets it through when it is off, and honest times always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator.calling import Called
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.evaluation import Timing
from kernelwright.evaluator.measured import agreement
from kernelwright.evaluator.measured.timing import Process
from kernelwright.evaluator.runners import Failure

ms = st.floats(0.01, 100)


def process(event_ms: float, wall_ms: float, launched: tuple[str, ...] = ("k[1, 1, 1]",)) -> Process:
    called = [Called(0, event_ms, wall, launched, ()) for wall in (wall_ms, wall_ms, 500.0)]
    return Process(side=None, runner=None, called=called)  # type: ignore[arg-type]


def timing(median_ms: float) -> Timing:
    return Timing(
        median_ms=median_ms, baseline="eager", baseline_ms=8, speedup=2, speedup_ci95=(1.9, 2.1), pairs=3
    )


REFUSED = {
    Defence.CLOCK: lambda: agreement.clock([(1.9, 0.0)] * 3),
    Defence.SAME_WORK: lambda: agreement.same_work(process(0.1, 0.5), 0.2, ("k[1, 1, 1]",)),
    Defence.FLOOR: lambda: agreement.floor(timing(0.05), 0.119, "H200"),
    Defence.PROFILER: lambda: agreement.profiler(timing(0.1), 0.2, 1.0),
}


@pytest.mark.parametrize("defence", REFUSED, ids=str)
def test_a_time_that_cannot_be_is_refused_by_the_witness_and_passes_without_it(defence):
    with pytest.raises(Failure) as caught:
        REFUSED[defence]()
    assert caught.value.defence is defence
    with without(defence):
        REFUSED[defence]()


def test_a_call_that_launches_something_else_than_the_traced_one_is_refused():
    with pytest.raises(Failure, match="no Triton kernel where the traced one launched k"):
        agreement.same_work(process(0.2, 0.5, ()), 0.2, ("k[1, 1, 1]",))


def test_kernels_that_ncu_sees_and_that_are_not_the_sources_own_are_refused():
    with pytest.raises(Failure, match="20%"):
        agreement.profiler(timing(0.2), 0.2, 0.2)


def test_without_a_profile_there_is_nothing_to_disagree_with():
    agreement.profiler(timing(0.2), None, None)


def test_a_baseline_that_the_candidate_slowed_down_is_noticed():
    with pytest.raises(Failure) as caught:
        agreement.baseline_alone(4.2, 3.8)
    assert caught.value.defence is Defence.BASELINE_ALONE
    agreement.baseline_alone(3.9, 3.8)


def test_a_small_forgery_is_seen_once_enough_pairs_agree():
    """In three pairs the clock's own noise could be as large."""
    forged = [(0.08, -0.01), (0.08, 0.01), (0.08, 0.0)]
    agreement.clock(forged)
    with pytest.raises(Failure):
        agreement.clock(forged * 2)


@given(ms, ms, st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=12))
def test_honest_times_are_never_refused(mine, base, jitter):
    agreement.clock([(base - mine, base - mine + one) for one in jitter])
    agreement.same_work(process(mine, mine + 0.5), mine, ("k[1, 1, 1]",))
    agreement.profiler(timing(mine), mine, 1.0)


def test_where_no_gain_is_claimed_there_is_none_to_see():
    agreement.clock([(-0.03, -0.4)] * 6)


def test_one_pair_in_which_the_clock_was_disturbed_decides_nothing():
    agreement.clock([(0.0, 0.001), (0.0, -0.5), (0.0, 0.002)])
