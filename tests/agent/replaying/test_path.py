"""A new campaign on a recorded one's way: the same path, or a loud word about where it forks."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.agent import asking
from kernelwright.agent.loop import CampaignPaused, run_campaign
from kernelwright.agent.providers.base import ReplayMiss
from kernelwright.agent.providers.replay import PathReplayProvider
from kernelwright.agent.record import Budget, CampaignStatus, Record
from kernelwright.agent.replaying.again import KINDS, compare
from kernelwright.agent.replaying.path import compared, other_prompts
from kernelwright.agent.replaying.recorded import RecordedEvaluator
from kernelwright.agent.replaying.salvage import salvage
from kernelwright.agent.replaying.source import Source, open_source
from kernelwright.agent.store import Store
from kernelwright.evaluator.protocol import Job, Progress
from kernelwright.prompts import render

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from loop_world import Judge, Quiet, Script, begin, source
from worlds import PLAN, Life, ProfilingJudge, Stops, answers, live

SAME = re.compile(r"same path as \w+: \d+ attempts, same kernels, same decisions")
LIVES = st.builds(
    Life,
    seed=st.integers(0, 10_000),
    device=st.sampled_from(["offline", "cuda"]),
    rounds=st.sampled_from([None, 1, 3]),
    samples=st.integers(1, 3),
    repairs=st.sampled_from([None, 0, 2]),
    stops=st.lists(st.integers(1, 12), max_size=2).map(tuple),
)


class Retraced:
    """A second campaign, which asks the record of the first."""

    def __init__(self, store: Store, record: Record, **changes: object) -> None:
        self.store = store
        self.source: Source = open_source(store.path, record.campaign.id)
        settings = self.source.record.campaign.settings.model_copy(
            update={"provider": "replay", "replay_campaign": record.campaign.id, "recorded": True, **changes}
        )
        self.name = store.new_campaign(settings, Budget()).id
        self.evaluator: Judge | RecordedEvaluator = RecordedEvaluator(self.source, self.record)
        self.provider = PathReplayProvider(self.source, self.record, by_place=not settings.recorded)

    def record(self) -> Record:
        return self.store.record(self.name)

    def run(self) -> str:
        run_campaign(self.store, self.name, self.evaluator, self.provider, Quiet())
        return self.compared()

    def compared(self) -> str:
        return compared(self.source.record, self.record())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES)
def test_any_recorded_campaign_goes_the_same_way_again(store: Store, life: Life) -> None:
    record = live(store, life)
    again = Retraced(store, record)
    assert SAME.fullmatch(again.run())
    new = again.record()
    texts = again.source.texts
    assert other_prompts(record, new, store.text, lambda sha: texts[sha]) == 0
    assert new.campaign.standings == record.campaign.standings
    assert [a.reply for a in new.attempts] == [a.reply for a in record.attempts]
    found = compare(store, salvage(store, again.name), KINDS, lambda: None)
    assert [each.differences for each in found] == [[], [], []]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES, stop=st.integers(1, 8))
def test_a_stop_changes_nothing_of_the_way(store: Store, life: Life, stop: int) -> None:
    again = Retraced(store, live(store, life))
    again.evaluator = Interrupted(again.source, again.record, stop)
    try:
        run_campaign(store, again.name, again.evaluator, again.provider, Quiet())
    except CampaignPaused:
        again.evaluator = RecordedEvaluator(again.source, again.record)
    assert SAME.fullmatch(again.run())


class Interrupted(RecordedEvaluator):
    """Stops once, before a verdict."""

    def __init__(self, source: Source, again: Callable[[], Record], at: int) -> None:
        super().__init__(source, again)
        self.left = at

    def evaluate(self, job: Job, progress: Progress):  # type: ignore[no-untyped-def]
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().evaluate(job, progress)


def test_old_prompts_that_hold_the_campaigns_name_are_found(store: Store) -> None:
    record = live(store, Life(seed=0, samples=2))
    name = record.campaign.id
    for attempt in record.attempts:
        if attempt.prompt_sha:
            old = re.sub(r"\battempt (\d+)\b", rf"{name}.\1", store.text(attempt.prompt_sha))
            store.save_attempt(attempt.model_copy(update={"prompt_sha": store.put_text(old)}))
    olds = [store.text(a.prompt_sha) for a in store.record(name).attempts if a.prompt_sha]
    assert sum(f"{name}." in old for old in olds) > 3
    assert SAME.fullmatch(Retraced(store, record).run())


def test_a_campaign_of_several_days_keeps_each_days_noise(store: Store) -> None:
    """A gain of 1.5 % is kept on the quiet day and not on the noisy one, also when gone through again."""
    for seed in range(40):
        record = live(store, Life(seed=seed, device="cuda", stops=(4, 9)))
        floors = {a.terms.noise_floor for a in record.attempts if a.terms}
        reasons = [a.decision.reason for a in record.attempts if a.decision]
        if len(floors - {None}) > 1 and any("could be noise" in reason for reason in reasons):
            break
    again = Retraced(store, record)
    assert SAME.fullmatch(again.run())


def test_a_template_changed_since_forks_the_path_at_the_first_prompt(store: Store) -> None:
    record = live(store, Life(seed=0))
    first = next(a for a in record.attempts if a.prompt_sha)
    other = store.text(first.prompt_sha or "").replace("ROLE", "RULE", 1) + "Answer in verse.\n"
    store.save_attempt(first.model_copy(update={"prompt_sha": store.put_text(other)}))
    again = Retraced(store, record)
    with pytest.raises(ReplayMiss) as caught:
        again.run()
    said = str(caught.value)
    assert said.startswith(
        "the path forks at attempt 1 (algorithm 1), after attempt 0: today's code asks another"
    )
    assert f"--- {first.id} as it was asked\n+++ attempt 1 as asked today\n" in said
    assert "-Answer in verse." in said
    assert again.record().campaign.status is CampaignStatus.PAUSED
    assert again.compared().startswith("same path as")


def test_a_fork_is_gone_on_from_once_its_template_is_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = Retraced(store, live(store, Life(seed=0)))
    with monkeypatch.context() as changed, pytest.raises(ReplayMiss):
        changed.setattr(asking, "render", lambda *given: replace(render(*given), text="Answer in verse.\n"))
        again.run()
    left = again.record()
    assert left.campaign.pause_reason is not None and "\n" not in left.campaign.pause_reason
    assert (left.attempts[-1].brief, left.attempts[-1].prompt_sha) == (None, None)
    assert SAME.fullmatch(again.run())


def test_a_prompt_of_another_place_answers_no_more_than_its_own_sample(store: Store) -> None:
    record = live(store, Life(seed=0, samples=3))
    found = open_source(store.path, record.campaign.id)
    for attempt in record.attempts:
        if attempt.prompt_sha and attempt.reply:
            prompt = store.text(attempt.prompt_sha)
            assert found.answer(prompt, "zzzz", attempt.number, attempt.sample) == attempt
            beside = found.answer(prompt, "zzzz", 900, attempt.sample)
            assert beside is not None and beside.sample == attempt.sample
            assert found.answer(prompt, "zzzz", 900, 7) is None


def test_another_rule_forks_the_path_and_the_fork_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = live(store, Life(seed=0, device="cuda", samples=2, repairs=1))
    weaker = next(a for a in record.attempts if a.decision and "less robust" in a.decision.reason)
    monkeypatch.setattr("kernelwright.agent.rules.deciding._less_robust", lambda best, child: [])
    again = Retraced(store, record)
    with pytest.raises(ReplayMiss) as caught:
        again.run()
    assert f"the path forks at attempt {weaker.number} (the decision is another there: 'not kept" in str(
        caught.value
    )
    assert again.compared().startswith(f"parted from {record.campaign.id} at attempt {weaker.number}: ")


def test_a_kernel_that_was_never_judged_is_shown_against_the_recorded_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = live(store, Life(seed=0))
    first = next(a for a in record.attempts if a.evaluation and a.number)
    monkeypatch.setattr(
        "kernelwright.agent.campaigner.extract", lambda text, finish_reason: source(1.0, tag="unheard")
    )
    with pytest.raises(ReplayMiss) as caught:
        Retraced(store, record).run()
    said = str(caught.value)
    assert f"{record.campaign.id} has no verdict on kernel" in said
    assert f"--- the kernel of {first.id}\n+++ the kernel of attempt" in said and "tag=unheard" in said


def test_a_kernel_judged_against_another_baseline_is_a_miss(store: Store) -> None:
    record = live(store, Life(seed=0, device="cuda"))
    found = open_source(store.path, record.campaign.id)
    judged = next(a for a in record.attempts if a.evaluation and a.evaluation.timing and a.number)
    job = Job(
        task="layer_norm",
        source=store.text(judged.kernel_sha or ""),
        target="rtx-4090",
        against=source(3.0, tag="other"),
    )
    with pytest.raises(ReplayMiss, match=r"timed against \w+\.\d+ and not against kernel"):
        RecordedEvaluator(found, lambda: record).evaluate(job, lambda phase: None)


def test_another_seed_is_a_miss(store: Store) -> None:
    record = live(store, Life(seed=0))
    seed = store.put_text(source(7.0, tag="mine"))
    with pytest.raises(ReplayMiss, match="has no verdict on kernel"):
        Retraced(store, record, seed=seed).run()


def test_a_carried_campaign_is_gone_again_up_to_the_move(store: Store) -> None:
    record = live(store, Life(seed=1, moved=True))
    again = Retraced(store, record)
    assert again.source.moved and again.source.session.kind == "offline"
    assert any("was carried to a card" in note for note in again.source.notes)
    assert SAME.fullmatch(again.run())
    measured = [a for a in record.attempts if a.evaluation and a.evaluation.provenance == "measured"]
    assert len(again.record().attempts) == len(record.attempts) - len(measured)


def test_where_an_unfinished_record_ends_is_said(store: Store) -> None:
    record = live(store, Life(seed=1, moved=True, stops=(2,)))
    with pytest.raises(ReplayMiss, match=r"ends before attempt \d+ .*the same: the campaign was carried"):
        Retraced(store, record).run()


def test_a_record_that_was_interrupted_is_followed_to_where_it_stands(store: Store) -> None:
    campaign = begin(store, stages=PLAN)
    with pytest.raises(CampaignPaused):
        run_campaign(
            store, campaign.id, ProfilingJudge("offline", before=Stops((3,))), Script(answers(0)), Quiet()
        )
    record = store.record(campaign.id)
    with pytest.raises(ReplayMiss, match="has no verdict on kernel"):
        Retraced(store, record).run()
    unasked = record.attempts[-1].model_copy(update={"reply": None, "kernel_sha": None})
    store.save_attempt(unasked)
    with pytest.raises(ReplayMiss, match="was never answered"):
        Retraced(store, record).run()


def test_more_rounds_than_recorded_part(store: Store) -> None:
    record = live(store, Life(seed=0, rounds=1))
    again = Retraced(store, record, rounds=3)
    with pytest.raises(ReplayMiss, match="another attempt was begun there"):
        again.run()


def test_replies_judged_anew_are_found_by_their_place(store: Store) -> None:
    record = live(store, Life(seed=0, device="cuda"))
    again = Retraced(store, record, recorded=False)
    again.evaluator = AnotherDay("cuda")
    said = again.run()
    new = again.record()
    texts = again.source.texts
    assert [a.kernel_sha for a in new.attempts] == [a.kernel_sha for a in record.attempts]
    assert other_prompts(record, new, store.text, lambda sha: texts[sha]) > 0
    assert said.startswith(("same path", "same attempts"))


class AnotherDay(ProfilingJudge):
    """Every metric is a little more than it was, and so is every gain."""

    def evaluate(self, job: Job, progress: Progress):  # type: ignore[no-untyped-def]
        found = super().evaluate(job, progress)
        kernels = [
            kernel.model_copy(
                update={"metrics": {name: value + 0.3 for name, value in kernel.metrics.items()}}
            )
            for kernel in found.kernels
        ]
        timing = found.timing and found.timing.model_copy(update={"speedup": found.timing.speedup * 1.001})
        return found.model_copy(update={"kernels": kernels, "timing": timing})


def test_standings_are_only_given_for_the_same_kernels(store: Store) -> None:
    from kernelwright.evaluator.protocol import Contender

    record = live(store, Life(seed=0, device="cuda"))
    found = RecordedEvaluator(open_source(store.path, record.campaign.id), lambda: record)
    other = [Contender(name="eager"), Contender(name="best", source=source(1.0, tag="other"))]
    assert record.campaign.standings and found.compare("layer_norm", other, lambda phase: None) == []


def test_the_session_says_that_nothing_is_judged(store: Store) -> None:
    record = live(store, Life(seed=0, device="cuda"))
    found = open_source(store.path, record.campaign.id)
    session = RecordedEvaluator(found, lambda: record).open("layer_norm", "rtx-4090")
    said = f"verdicts are those of {record.campaign.id} on NVIDIA H200: nothing is judged here"
    assert session.warnings.count(said) == 1 and session.noise_floor is None


def test_of_one_prompt_that_was_asked_twice_each_place_gets_its_own_reply(store: Store) -> None:
    record = live(store, Life(seed=0, rounds=3))
    one, other = [a for a in record.attempts if a.prompt_sha and a.reply][:2]
    store.save_attempt(other.model_copy(update={"prompt_sha": one.prompt_sha}))
    found = open_source(store.path, record.campaign.id)
    prompt = store.text(one.prompt_sha or "")
    for asked in (one, other):
        answer = found.answer(prompt, record.campaign.id, asked.number, asked.sample)
        assert answer is not None and answer.id == asked.id
