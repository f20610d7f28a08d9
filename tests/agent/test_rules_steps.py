"""What comes next: any campaign ends, within its limits, and the same however often it was killed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent import rules
from kernelwright.agent.brief import Brief
from kernelwright.agent.record import (
    Attempt,
    AttemptKind,
    Budget,
    Campaign,
    ExtractionFailure,
    Failure,
    Record,
    Reply,
    Usage,
)
from kernelwright.agent.rules import Field
from kernelwright.agent.store.mapping import from_json, to_json
from kernelwright.evaluator.gpus import gpu
from kernelwright.stages import stages
from loop_world import NOW, evaluation, refused, session, settings

PLAN = ["block_tiling", "memory_access"]
OUTCOMES = ["faster", "slower", "incorrect", "no code", "unchecked", "same", "nothing"]
outcomes = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=12)
limits = st.fixed_dictionaries(
    {"rounds": st.integers(1, 3), "samples": st.integers(1, 3), "repairs": st.integers(0, 2)}
)


def fresh(device: str = "offline", **changes: Any) -> Record:
    chosen = settings("seed", stages=PLAN, device=device, **changes)
    campaign = Campaign(id="abcd", created=NOW, settings=chosen, budget=Budget(), session=session(device))
    return Record(campaign=campaign, attempts=[])


def fill(record: Record, attempt: Attempt, field: Field, outcome: str) -> dict[str, object]:
    """One field of an attempt, by the attempt's outcome alone."""
    measured = record.campaign.settings.device == "cuda"
    match field:
        case Field.BRIEF:
            stage = stages()[attempt.stage or ""]
            return {"brief": Brief(template="optimise", target=gpu("rtx-4090"), stage=stage, code="")}
        case Field.PROMPT:
            return {"prompt_sha": f"p{attempt.number}"}
        case Field.REPLY if outcome == "nothing":
            return {"decision": refused("nothing to propose")}
        case Field.REPLY:
            usage = Usage(prompt_tokens=100)
            return {"reply": Reply(text="", provider="p", model="m", usage=usage)}
        case Field.KERNEL if outcome == "no code":
            return {"failure": Failure(kind=ExtractionFailure.NO_CODE, reason="no code")}
        case Field.KERNEL:
            return {"kernel_sha": "seed" if outcome == "same" else f"k{attempt.number}"}
        case Field.EVALUATION if rules.awaits_card(record, attempt) or rules.is_twin_of(record, attempt):
            return {"decision": refused("later, or known")}
        case Field.EVALUATION:
            ms = 9.0 if outcome == "slower" else 8.0 * 0.7**attempt.number
            status = {"incorrect": "incorrect", "unchecked": "unchecked"}.get(outcome, "passed")
            best = rules.best(record)
            against = (best.kernel_sha if best else "eager", best.evaluation.ms if best else 8.0)  # type: ignore[union-attr]
            if measured and status == "unchecked":
                status = "passed"
            made = evaluation(
                ms,
                status=status,
                kernel=attempt.kernel_sha or "",
                against=against if measured else None,  # type: ignore[arg-type]
            )
            return {"evaluation": made}
        case Field.DECISION:
            provenance = attempt.evaluation.provenance if attempt.evaluation else None
            best = rules.best(record, provenance)
            campaign = record.campaign
            made = rules.decide(attempt, best, None, campaign.settings, session(campaign.settings.device))
            return {"decision": made}
    raise AssertionError(field)


def writes(record: Record, outcome_of: Callable[[int], str]) -> Iterator[str]:
    """Play a campaign to its end or pause, and give what is stored after each write."""
    record = from_json(Record, to_json(record))
    for _ in range(2000):
        step = rules.next_step(record, stages())
        campaign = record.campaign
        if isinstance(step, rules.EndCampaign | rules.Pause):
            return
        if isinstance(step, rules.EndStage):
            record.campaign = campaign.model_copy(update={"stage_ends": [*campaign.stage_ends, step.end]})
        elif isinstance(step, rules.Begin):
            number = len(record.attempts)
            values = {
                **vars(step),
                "id": f"abcd.{number}",
                "campaign": "abcd",
                "number": number,
                "created": NOW,
            }
            record.attempts.append(Attempt.model_validate(values))
        else:
            old = record.attempt(step.attempt)
            outcome = (
                "faster" if old.kind in (AttemptKind.SEED, AttemptKind.REMEASURE) else outcome_of(old.number)
            )
            changes = fill(record, old, step.field, outcome)
            record.attempts[old.number] = old.model_copy(update=changes)
        yield to_json(record)
    raise AssertionError("the campaign does not end")


def cycle(items: list[str]) -> Callable[[int], str]:
    return lambda number: items[number % len(items)]


@hypothesis_settings(max_examples=25, deadline=None)
@given(items=outcomes, limit=limits, device=st.sampled_from(["offline", "cuda"]), data=st.data())
def test_a_kill_at_any_moment_leads_to_the_same_end(
    items: list[str], limit: dict[str, int], device: str, data: st.DataObject
) -> None:
    whole = list(writes(fresh(device, **limit), cycle(items)))
    killed_after = data.draw(st.integers(0, len(whole) - 1))
    rest = list(writes(from_json(Record, whole[killed_after]), cycle(items)))
    assert whole[killed_after + 1 :] == rest


@hypothesis_settings(max_examples=25, deadline=None)
@given(items=outcomes, limit=limits, top=st.integers(0, 4), data=st.data())
def test_a_campaign_carried_to_a_card_at_any_moment_measures_before_it_goes_on(
    items: list[str], limit: dict[str, int], top: int, data: st.DataObject
) -> None:
    whole = list(writes(fresh(**limit), cycle(items)))
    moved = from_json(Record, data.draw(st.sampled_from(whole)))
    chosen = moved.campaign.settings.model_copy(update={"device": "cuda", "remeasure": top})
    moved.campaign = moved.campaign.model_copy(update={"settings": chosen})
    rest = list(writes(moved, cycle(items)))
    end = from_json(Record, rest[-1]) if rest else moved
    assert not rules.to_measure(end)
    measured = [a.kernel_sha for a in end.attempts if a.evaluation and a.evaluation.provenance == "measured"]
    assert len(measured) == len(set(measured)) and measured[0] == "seed"
    again = [a for a in end.attempts if a.kind is AttemptKind.REMEASURE]
    begun = [a for a in end.attempts[len(moved.attempts) :] if a.kind is not AttemptKind.REMEASURE]
    assert all(a.number < b.number for a in again for b in begun)
    assert all(a.parent and end.attempt(a.parent).kernel_sha == a.kernel_sha for a in again)
    best = rules.best(end)
    assert best is not None and best.evaluation is not None and best.evaluation.provenance == "measured"
    assert best == end.best


@hypothesis_settings(max_examples=40, deadline=None)
@given(items=outcomes, limit=limits)
def test_rounds_samples_and_repairs_stay_within_their_limits(items: list[str], limit: dict[str, int]) -> None:
    record = from_json(Record, list(writes(fresh(**limit), cycle(items)))[-1])
    assert [end.stage for end in record.campaign.stage_ends] == PLAN
    for stage in PLAN:
        tried = [a for a in record.attempts if a.stage == stage]
        asked = [(a.round, a.sample) for a in tried if a.kind is AttemptKind.OPTIMISE]
        assert len(asked) == len(set(asked))
        assert max(r for r, _ in asked) <= limit["rounds"] and max(s for _, s in asked) < limit["samples"]
        for place in asked:
            chain = [a for a in tried if (a.round, a.sample) == place]
            assert len(chain) - 1 <= limit["repairs"]
            for failed, repair in pairwise(chain):
                assert rules.failed(failed) and repair.mends == failed.id and repair.parent == failed.parent


def ends(items: list[str], **limit: Any) -> list[tuple[str, str]]:
    record = from_json(Record, list(writes(fresh(**limit), cycle(items)))[-1])
    return [(end.outcome, end.reason) for end in record.campaign.stage_ends]


def test_a_stage_without_gains_ends_as_a_plateau_and_one_with_gains_by_its_rounds() -> None:
    assert ends(["slower"], rounds=5)[0] == ("plateau", "no gain in 2 rounds in a row")
    assert ends(["faster"], rounds=5)[0] == ("finished", "all 5 rounds are done")


@hypothesis_settings(max_examples=25, deadline=None)
@given(items=outcomes, limit=limits, fewer=st.integers(1, 3), data=st.data())
def test_a_changed_number_of_rounds_holds_from_the_next_step_on(
    items: list[str], limit: dict[str, int], fewer: int, data: st.DataObject
) -> None:
    before = from_json(Record, data.draw(st.sampled_from(list(writes(fresh(**limit), cycle(items))))))
    chosen = before.campaign.settings.model_copy(update={"rounds": fewer})
    before.campaign = before.campaign.model_copy(update={"settings": chosen})
    states = list(writes(before, cycle(items)))
    after = from_json(Record, states[-1]) if states else before
    assert [end.stage for end in after.campaign.stage_ends] == PLAN
    begun = after.attempts[len(before.attempts) :]
    assert all(attempt.round <= fewer for attempt in begun)


def test_more_rounds_keep_a_stage_going_that_is_not_over() -> None:
    states = [from_json(Record, state) for state in writes(fresh(rounds=1), cycle(["faster"]))]
    before = next(r for r in states if len(r.attempts) == 2 and r.attempts[1].done)
    chosen = before.campaign.settings.model_copy(update={"rounds": 3})
    before.campaign = before.campaign.model_copy(update={"settings": chosen})
    end = from_json(Record, list(writes(before, cycle(["faster"])))[-1])
    assert [end.reason for end in end.campaign.stage_ends] == ["all 3 rounds are done"] * 2


def test_a_gain_of_one_sample_makes_its_whole_round_a_gain() -> None:
    one_of_three = ["slower", "slower", "faster"]
    assert ends(one_of_three, rounds=4, samples=3, repairs=0)[0] == ("finished", "all 4 rounds are done")


def test_tokens_stop_questions_and_not_the_verdict_on_a_paid_reply() -> None:
    record = fresh()
    limited = record.campaign.model_copy(update={"budget": Budget(max_tokens=250)})
    record.campaign = limited
    end = from_json(Record, list(writes(record, cycle(["faster"])))[-1])
    assert end.tokens == 300 and all(a.done for a in end.attempts)
    assert isinstance(rules.next_step(end, stages()), rules.Pause)


def test_the_finds_are_measured_with_the_provisional_best_first_and_no_more_than_asked_for() -> None:
    end = from_json(
        Record, list(writes(fresh(rounds=4), cycle(["faster", "unchecked", "slower", "faster"])))[-1]
    )
    offline_best = rules.best(end)
    chosen = end.campaign.settings.model_copy(update={"device": "cuda", "remeasure": 3})
    end.campaign = end.campaign.model_copy(update={"settings": chosen})
    queue = rules.to_measure(end)
    assert queue[0].kind is AttemptKind.SEED and queue[1] == offline_best
    assert len(queue) == 4
    rest = [(a.evaluation.status == "unchecked", a.evaluation.ms) for a in queue[2:] if a.evaluation]
    assert rest == sorted(rest, key=lambda row: (row[0], row[1] or 0.0)) and {row[0] for row in rest} == {
        False,
        True,
    }
