"""What is kept and what is skipped: rules that no evaluation may talk its way around."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent import rules
from kernelwright.agent.record import (
    AttemptKind,
    Budget,
    Campaign,
    Decision,
    ExtractionFailure,
    Failure,
    Record,
    Reply,
    StageEnd,
    Usage,
)
from kernelwright.evaluator import metrics as ncu
from kernelwright.evaluator.evaluation import Evaluation, KernelProfile, Status, Timing
from kernelwright.stages import Condition, Stage
from loop_world import NOW, accepted, attempt, evaluation, refused, session, settings

STAGE = Stage(name="s", title="S", focus="f", promises=["grid", "block"])
SETTINGS = settings("k0")
BEST = attempt(0, evaluation(8.0, kernel="k0", against=("eager", 9.0)), decision=accepted())
OFFLINE_BEST = attempt(0, evaluation(8.0, kernel="k0"), decision=accepted(True))
ratios = st.floats(0.2, 5.0)


def timed(speedup: float, low: float, high: float, baseline: str = "k0") -> Evaluation:
    timing = Timing(
        median_ms=8 / speedup,
        baseline=baseline,
        baseline_ms=8.0,
        speedup=speedup,
        speedup_ci95=(low, high),
        pairs=6,
    )
    return evaluation(1.0, kernel="k1", against=("k0", 8.0)).model_copy(update={"timing": timing})


def decide(verdict: Evaluation, best: object = BEST, noise: float | None = None, **kind: object) -> Decision:
    return rules.decide(attempt(1, verdict, **kind), best, STAGE, SETTINGS, session("cuda", noise))  # type: ignore[arg-type]


@given(speedup=ratios, low=st.floats(0.2, 1.0), high=st.floats(1.0, 5.0))
def test_nothing_is_kept_when_the_interval_holds_1(speedup: float, low: float, high: float) -> None:
    assert not decide(timed(speedup, low, high)).accepted


@given(speedup=ratios, noise=st.none() | st.floats(0, 1), threshold=st.floats(0, 0.9))
def test_a_gain_is_kept_only_above_threshold_and_noise(
    speedup: float, noise: float | None, threshold: float
) -> None:
    chosen = SETTINGS.model_copy(update={"threshold": threshold})
    verdict = timed(speedup, 1.0001, 6.0)
    kept = rules.decide(attempt(1, verdict), BEST, STAGE, chosen, session("cuda", noise))
    assert kept.accepted == (speedup - 1 > max(threshold, noise or 0.0))
    assert not kept.provisional


def test_the_noise_that_a_timing_brings_along_counts_too() -> None:
    verdict = timed(1.04, 1.03, 1.05)
    assert decide(verdict).accepted
    assert verdict.timing is not None
    noisy = verdict.model_copy(update={"timing": verdict.timing.model_copy(update={"noise_floor": 0.05})})
    assert not decide(noisy).accepted


def test_a_time_against_another_kernel_is_no_gain() -> None:
    assert not decide(timed(3.0, 2.9, 3.1, baseline="eager")).accepted
    assert not decide(timed(3.0, 2.9, 3.1, baseline="k7")).accepted


@given(before=st.floats(0.01, 100), after=st.floats(0.01, 100))
def test_an_estimate_is_kept_provisionally_and_only_below_its_margin(before: float, after: float) -> None:
    best = attempt(0, evaluation(before, kernel="k0"), decision=accepted(True))
    made = rules.decide(attempt(1, evaluation(after, kernel="k1")), best, STAGE, SETTINGS, session())
    assert made.accepted == (after < before * 0.95) and made.provisional == made.accepted


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.PASSED, Status.UNCHECKED)])
@pytest.mark.parametrize("best", [None, OFFLINE_BEST])
def test_a_kernel_that_failed_is_never_kept(status: Status, best: object) -> None:
    made = decide(evaluation(0.1, status=status.value), best)
    assert not made.accepted and made.reason == f"{status.value}: told to be {status.value}"


def test_an_unchecked_kernel_waits_for_a_card_and_an_unchecked_seed_is_taken_as_it_is() -> None:
    verdict = evaluation(0.1, status="unchecked")
    made = decide(verdict, OFFLINE_BEST)
    assert not made.accepted and "a card must decide" in made.reason
    seed = decide(verdict, None, kind=AttemptKind.SEED)
    assert seed.accepted and seed.provisional
    assert not decide(verdict, None, kind=AttemptKind.FIRST).accepted


@pytest.mark.parametrize("against", [None, ("k0", 8.0)])
def test_a_kernel_less_robust_than_the_best_is_not_kept(against: tuple[str, float] | None) -> None:
    verdict = evaluation(1.0, kernel="k1", against=against, failing=("huge",))
    best = BEST if against else OFFLINE_BEST
    made = decide(verdict, best)
    assert not made.accepted and "less robust" in made.reason and "huge" in made.reason
    weak = evaluation(8.0, kernel="k0", against=("eager", 9.0) if against else None, failing=("huge",))
    assert decide(verdict, attempt(0, weak, decision=accepted())).accepted


def test_a_reply_without_a_kernel_is_decided_by_its_failure() -> None:
    failure = Failure(kind=ExtractionFailure.NO_CODE, reason="there is no code")
    made = rules.decide(attempt(1, failure=failure), BEST, STAGE, SETTINGS, session())
    assert (made.accepted, made.reason) == (False, "there is no code")


# Skipping


def kernel(share: float | None, **metrics: float) -> KernelProfile:
    return KernelProfile(name="k", grid=(1, 1, 1), launches=1, time_share=share, metrics=metrics)


def test_the_mean_is_weighted_by_time_and_not_the_first_kernels() -> None:
    verdict = evaluation(kernels=[kernel(0.02, m=97.0), kernel(0.98, m=8.0)])
    assert rules.time_weighted(verdict, "m") == pytest.approx(0.02 * 97 + 0.98 * 8)


@pytest.mark.parametrize(
    "kernels",
    [
        [],
        [kernel(None, m=1.0)],
        [kernel(0.5, m=1.0), kernel(None, m=1.0)],
        [kernel(0.95, m=1.0), kernel(0.05)],
        [kernel(0.95, m=1.0), kernel(0.05, m=math.nan)],
        [kernel(0.94, m=1.0), kernel(0.03), kernel(0.03)],
        [kernel(0.0, m=1.0)],
    ],
)
def test_the_mean_is_unknown_without_the_kernels_that_matter(kernels: list[KernelProfile]) -> None:
    assert rules.time_weighted(evaluation(kernels=kernels), "m") is None


def test_a_kernel_that_hardly_matters_may_lack_a_metric() -> None:
    assert rules.time_weighted(evaluation(kernels=[kernel(0.96, m=3.0), kernel(0.04)]), "m") == 3.0


NAMES = ["m__a", "m__b", "m__c"]


def skipping(*conditions: tuple[str, str, float]) -> Stage:
    chosen = [Condition(metric=m, op=op, value=v) for m, op, v in conditions]  # type: ignore[arg-type]
    return Stage(name="s", title="S", focus="f", skip_when=chosen)


def measured_with(**metrics: float) -> object:
    return attempt(0, evaluation(kernels=[kernel(1.0, **metrics)], against=("eager", 9.0)))


@given(
    present=st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100)),
    conditions=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from([">=", "<="]), st.floats(0, 100)), max_size=3
    ),
)
def test_a_stage_is_skipped_only_when_all_conditions_hold_on_present_metrics(
    present: dict[str, float], conditions: list[tuple[str, str, float]]
) -> None:
    reason = rules.skip_reason(skipping(*conditions), measured_with(**present))  # type: ignore[arg-type]
    holds = [m in present and (present[m] >= v if op == ">=" else present[m] <= v) for m, op, v in conditions]
    assert (reason is not None) == (bool(holds) and all(holds))


def test_the_reason_names_metrics_and_values() -> None:
    reason = rules.skip_reason(skipping(("m__a", ">=", 60)), measured_with(m__a=71.25))  # type: ignore[arg-type]
    assert reason is not None and "m__a is 71.2 (>= 60)" in reason


def test_an_estimate_skips_only_on_what_is_known_without_a_card() -> None:
    for metric, known in (
        (ncu.WARPS_ACTIVE, True),
        (ncu.SM_THROUGHPUT, False),
        (ncu.STALL_LONG_SCOREBOARD, False),
    ):
        best = attempt(0, evaluation(kernels=[kernel(1.0, **{metric: 50.0})]))
        assert (rules.skip_reason(skipping((metric, ">=", 10)), best) is not None) == known


# Promises


def launched(name: str, grid: tuple[int, int, int] = (16, 1, 1), **config: int) -> KernelProfile:
    return KernelProfile(name=name, grid=grid, launches=1, time_share=0.5, config=config)


PARENT = [launched("a", BLOCK_N=1024, num_warps=4), launched("b", (16, 4096, 1))]


def broken(*child: KernelProfile, promises: tuple[str, ...] = ("grid", "block")) -> list[str]:
    stage = STAGE.model_copy(update={"promises": list(promises)})
    return rules.broken_promises(stage, evaluation(kernels=PARENT), evaluation(kernels=list(child)))


def test_other_warps_break_no_promise() -> None:
    assert broken(launched("a", BLOCK_N=1024, num_warps=8, num_stages=3), PARENT[1]) == []


def test_another_grid_another_block_and_another_set_of_kernels_break_one_each() -> None:
    assert len(broken(launched("a", (8, 1, 1), BLOCK_N=1024), PARENT[1])) == 1
    assert broken(launched("a", BLOCK_N=512), PARENT[1]) == ["BLOCK_N of a went from 1024 to 512"]
    assert broken(PARENT[0]) == ["kernel b was removed"]
    assert broken(*PARENT, launched("c")) == ["kernel c was added"]


def test_only_what_was_promised_is_checked_and_only_on_launches_that_were_seen() -> None:
    assert broken(launched("a", (8, 1, 1), BLOCK_N=512), promises=()) == []
    assert broken(launched("a", (8, 1, 1), BLOCK_N=1024), PARENT[1], promises=("block",)) == []
    assert broken() == []
    assert broken(launched("a"), PARENT[1], promises=("block",)) == []  # its configuration is not known


def test_a_kernel_launched_twice_is_compared_with_all_its_grids() -> None:
    twice = [launched("a"), launched("a", (32, 1, 1))]
    assert rules.broken_promises(STAGE, evaluation(kernels=twice), evaluation(kernels=twice[::-1])) == []


def test_a_broken_promise_is_noted_on_the_decision_against_the_parent_that_was_shown() -> None:
    parent = attempt(0, evaluation(kernels=PARENT), decision=accepted())
    child = attempt(1, evaluation(1.0, kernels=[PARENT[0]]))
    made = rules.decide(child, OFFLINE_BEST, STAGE, SETTINGS, session(), parent=parent)
    assert made.accepted and made.broken_promises == ["kernel b was removed"]


# Budget and accounts


def record(*attempts: object, **campaign: object) -> Record:
    values = {"id": "abcd", "created": NOW, "settings": SETTINGS, "budget": Budget(), **campaign}
    return Record.model_validate({"campaign": Campaign.model_validate(values), "attempts": list(attempts)})


def replied(number: int, asked: int, answered: int, **changes: object) -> object:
    usage = Usage(prompt_tokens=asked, completion_tokens=answered)
    return attempt(number, reply=Reply(text="", provider="p", model="m", usage=usage), **changes)


@pytest.mark.parametrize(
    ("budget", "over"),
    [
        (Budget(), None),
        (Budget(max_tokens=331, max_minutes=2.1, max_usd=4.1), None),
        (Budget(max_tokens=330), "330 tokens"),
        (Budget(max_minutes=2), "2 minutes"),
        (Budget(max_usd=3.9), "3.9 USD"),
    ],
)
def test_a_budget_is_over_when_any_of_its_limits_is(budget: Budget, over: str | None) -> None:
    priced = SETTINGS.model_copy(update={"usd_per_million": (10_000.0, 30_000.0)})
    used = record(replied(1, 100, 10), replied(2, 200, 20), settings=priced, seconds=120)
    assert rules.spent(used) == rules.Spent(tokens=330, minutes=2, usd=3.9)
    found = rules.over_budget(used, budget)
    assert found is None if over is None else found is not None and over in found


def test_a_limit_in_dollars_without_a_price_stops_at_the_first_token() -> None:
    reason = rules.over_budget(record(replied(1, 1, 0)), Budget(max_usd=100))
    assert reason is not None and "usd_per_million" in reason


def test_accounts_multiply_the_gains_of_a_stage_and_keep_the_plans_order() -> None:
    seed = attempt(0, evaluation(8.0, kernel="k0"), decision=accepted(True))
    half = replied(1, 100, 10, evaluation=evaluation(4.0), decision=accepted(True), seconds=2.0)
    slow = replied(2, 100, 10, evaluation=evaluation(9.0), decision=refused(), seconds=3.0)
    third = replied(3, 100, 10, evaluation=evaluation(1.0), decision=accepted(True), seconds=1.0)
    ends = [StageEnd(stage="memory_access", outcome="skipped", reason="fine already")]
    rows = rules.accounts(record(seed, half, slow, third, stage_ends=ends))
    assert [row.stage for row in rows] == ["block_tiling", "memory_access"]
    assert rows[0] == rules.StageAccount(
        stage="block_tiling",
        attempts=3,
        kept=2,
        gain=8.0,
        provisional=True,
        tokens=330,
        seconds=6.0,
        outcome=None,
        reason=None,
    )
    assert (rows[1].gain, rows[1].outcome, rows[1].reason) == (None, "skipped", "fine already")
