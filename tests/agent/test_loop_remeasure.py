"""An offline campaign that is carried to a card: the card decides, and what was paid for is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent import rules
from kernelwright.agent.loop import CampaignPaused, remeasure, run_campaign
from kernelwright.agent.providers.base import ProviderPaused, Request, WaitingForReply
from kernelwright.agent.record import AttemptKind, CampaignStatus
from kernelwright.agent.store import Store
from kernelwright.evaluator.protocol import GpuUnhealthy, Job
from loop_world import Judge, Quiet, Script, begin, fence, mixed, sha, source


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        yield opened


def finished_offline(store: Store) -> str:
    campaign = begin(store)
    run_campaign(store, campaign.id, Judge(), Script(mixed), Quiet())
    return campaign.id


def test_the_seed_and_the_top_finds_meet_on_the_card_each_against_the_best_so_far(store: Store) -> None:
    name = finished_offline(store)
    offline = store.record(name)
    judge = Judge("cuda")
    record = remeasure(store, name, judge, Quiet(), top=2)
    again = [a for a in record.attempts if a.kind is AttemptKind.REMEASURE]
    assert [a.parent for a in again] == [f"{name}.0", offline.best and offline.best.id, again[2].parent]
    assert [job.against for job in judge.jobs[:2]] == [None, source(8.0)]
    best = offline.best and offline.best.kernel_sha
    assert judge.jobs[2].against is not None and sha(judge.jobs[2].against) == best
    assert record.best == again[1] and record.best.decision and not record.best.decision.provisional
    assert record.campaign.status is CampaignStatus.FINISHED
    assert [s.name for s in record.campaign.standings] == ["eager", "compile", "seed", "best"]
    assert record.attempts[: len(offline.attempts)] == offline.attempts


def test_a_find_that_is_no_gain_on_the_card_leaves_the_seed_the_best(store: Store) -> None:
    name = finished_offline(store)

    class Disagreeing(Judge):
        def evaluate(self, job: Job, progress: object) -> object:  # type: ignore[override]
            made = super().evaluate(job, lambda text: None)
            if job.against is None or made.timing is None:
                return made
            slower = {"speedup": 0.9, "speedup_ci95": (0.89, 0.91)}
            return made.model_copy(update={"timing": made.timing.model_copy(update=slower)})

    record = remeasure(store, name, Disagreeing("cuda"), Quiet())
    assert record.best is not None and record.best.kernel_sha == sha(source(8.0))
    assert [s.name for s in record.campaign.standings] == ["eager", "compile", "best"]


def test_a_seed_that_fails_on_the_card_does_not_hide_a_find_that_passes(store: Store) -> None:
    name = finished_offline(store)

    class Stricter(Judge):
        def evaluate(self, job: Job, progress: object) -> object:  # type: ignore[override]
            refused = job.source == source(8.0)
            return super().evaluate(
                job.model_copy(update={"source": source(8.0, "incorrect")}) if refused else job,
                lambda text: None,
            )

    record = remeasure(store, name, Stricter("cuda"), Quiet())
    best = rules.best(record)
    assert best is not None and best.kind is AttemptKind.REMEASURE
    assert best.evaluation is not None and best.evaluation.timing is not None


def test_it_can_be_stopped_and_resumed_and_measures_nothing_twice(store: Store) -> None:
    name = finished_offline(store)

    def hang(job: Job) -> None:
        if len(first.jobs) == 2:
            raise GpuUnhealthy("the card does not answer")

    first = Judge("cuda", before=hang)
    second = Judge("cuda")
    with pytest.raises(CampaignPaused):
        remeasure(store, name, first, Quiet())
    record = remeasure(store, name, second, Quiet())
    sources = [job.source for job in first.jobs + second.jobs]
    assert len(sources) == len(set(sources)) == 4
    assert record.campaign.status is CampaignStatus.FINISHED
    assert record.campaign.settings.device == "cuda"


def stopped_offline(store: Store, problem: Exception, raised: type[Exception]) -> str:
    campaign = begin(store)

    def answer(request: Request) -> str:
        if len(script.asked) == 1:
            raise problem
        return fence(source(4.0))

    script = Script(answer)
    with pytest.raises(raised):
        run_campaign(store, campaign.id, Judge(), script, Quiet())
    return campaign.id


def test_a_stale_prompt_is_set_aside_and_its_stage_goes_on_measured(store: Store) -> None:
    name = stopped_offline(store, ProviderPaused("the API is down"), CampaignPaused)
    script = Script(mixed)
    waiting = store.record(name).attempts[-1]
    record = remeasure(store, name, Judge("cuda"), Quiet(), provider=script)
    aside = record.attempt(waiting.id)
    assert aside.decision is not None and aside.decision.reason == rules.SET_ASIDE
    assert waiting.prompt_sha not in {request.prompt_sha for request in script.asked}
    later = [a for a in record.attempts[waiting.number + 1 :] if a.kind is AttemptKind.OPTIMISE]
    assert (later[0].stage, later[0].round) == (waiting.stage, waiting.round)
    assert record.campaign.status is CampaignStatus.FINISHED


def test_a_reply_that_a_person_wrote_meanwhile_is_measured_in_its_turn(store: Store) -> None:
    name = stopped_offline(store, WaitingForReply("write the reply"), WaitingForReply)
    waiting = store.record(name).attempts[-1]
    script = Script(lambda request: fence(source(2.0 if request.attempt == waiting.id else 8.0)))
    judge = Judge("cuda")
    assert remeasure(store, name, judge, Quiet()).campaign.status is CampaignStatus.WAITING
    assert not judge.jobs  # nobody could take the reply yet, and it must not be set aside
    record = run_campaign(store, name, judge, script, Quiet())
    assert record.best is not None and record.best.parent == waiting.id
    assert [job.source for job in judge.jobs[:3]] == [source(8.0), source(4.0), source(2.0)]


def test_without_a_provider_it_pauses_where_a_reply_is_needed(store: Store) -> None:
    name = stopped_offline(store, ProviderPaused("the API is down"), CampaignPaused)
    record = remeasure(store, name, Judge("cuda"), Quiet())
    assert record.campaign.status is CampaignStatus.PAUSED and not rules.to_measure(record)
    assert "resume" in (record.campaign.pause_reason or "")
    done = run_campaign(store, name, Judge("cuda"), Script(mixed), Quiet())
    assert done.campaign.status is CampaignStatus.FINISHED
