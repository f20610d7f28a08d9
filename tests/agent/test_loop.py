"""The loop on a real store: what is kept, what is stored when it stops, what it asks of its parts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent.loop import CampaignPaused, run_campaign
from kernelwright.agent.providers.base import (
    NothingToPropose,
    ProviderPaused,
    ReplayMiss,
    Request,
    WaitingForReply,
)
from kernelwright.agent.record import AttemptKind, Budget, CampaignStatus, Record
from kernelwright.agent.store import CampaignHeld, Store, StoreError
from kernelwright.evaluator.protocol import EnvironmentLacks, GpuUnhealthy, Job
from loop_world import Judge, Quiet, Script, begin, fence, mixed, sha, source


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        yield opened


def run(store: Store, campaign: str, judge: Judge, script: Script) -> Record:
    return run_campaign(store, campaign, judge, script, Quiet())


def test_a_campaign_keeps_the_fastest_kernel_and_says_why_it_is_over(store: Store) -> None:
    campaign = begin(store)
    record = run(store, campaign.id, Judge(), Script(mixed))
    assert record.campaign.status is CampaignStatus.FINISHED
    assert [end.stage for end in record.campaign.stage_ends] == ["block_tiling", "memory_access"]
    assert record.best is not None and record.best.evaluation is not None
    passed = [a.evaluation.ms for a in record.attempts if a.evaluation and a.evaluation.status == "passed"]
    assert record.best.evaluation.ms == min(ms for ms in passed if ms is not None)
    assert record.best.decision is not None and record.best.decision.provisional
    assert store.record(campaign.id) == record


def test_every_field_is_stored_before_the_next_part_is_asked(store: Store) -> None:
    campaign = begin(store)

    def stored(job: Job) -> None:
        last = Store.open(store.path, create=False, read_only=True).record(campaign.id).attempts[-1]
        assert last.kernel_sha == sha(job.source)
        assert last.kind is AttemptKind.SEED or (last.reply and last.brief and last.prompt_sha)

    def answer(request: Request) -> str:
        last = Store.open(store.path, create=False, read_only=True).record(campaign.id).attempts[-1]
        assert last.id == request.attempt and last.prompt_sha == request.prompt_sha and last.brief
        return mixed(request)

    run(store, campaign.id, Judge(before=stored), Script(answer))


def test_a_failed_attempt_is_repaired_with_its_error_in_the_prompt(store: Store) -> None:
    campaign = begin(store, stages=["block_tiling"], rounds=1)
    script = Script(lambda request: fence(source(4.0, "passed" if len(script.asked) else "incorrect")))
    record = run(store, campaign.id, Judge(), script)
    repair = record.attempts[2]
    assert (repair.kind, repair.mends, repair.parent) == (
        AttemptKind.REPAIR,
        f"{campaign.id}.1",
        f"{campaign.id}.0",
    )
    assert "told to be incorrect" in script.asked[1].prompt
    assert record.best == repair


def test_samples_of_a_round_share_one_prompt_and_the_next_parent_is_the_best(store: Store) -> None:
    campaign = begin(store, stages=["block_tiling"], rounds=2, samples=3, repairs=0)
    script = Script(lambda request: fence(source(6.0 - 0.5 * len(script.asked))))
    record = run(store, campaign.id, Judge(), script)
    assert [request.sample for request in script.asked] == [0, 1, 2, 0, 1, 2]
    assert len({request.prompt_sha for request in script.asked[:3]}) == 1
    assert [a.parent for a in record.attempts[1:]] == [f"{campaign.id}.0"] * 3 + [f"{campaign.id}.3"] * 3


def test_on_a_card_each_candidate_meets_the_best_and_the_four_meet_at_the_end(store: Store) -> None:
    campaign = begin(store, device="cuda")
    judge = Judge("cuda")
    record = run(store, campaign.id, judge, Script(mixed))
    assert judge.jobs[0].against is None and all(job.profile for job in judge.jobs)
    best = source(8.0)
    for job in judge.jobs[1:]:
        assert job.against == best
        found = next(a for a in record.attempts if a.kernel_sha == sha(job.source))
        best = job.source if found.decision and found.decision.accepted else best
    assert judge.noise_asked == 1
    assert record.campaign.session is not None and record.campaign.session.noise_floor == 0.004
    assert [s.name for s in record.campaign.standings] == ["eager", "compile", "seed", "best"]
    assert (
        record.best is not None and record.best.decision is not None and not record.best.decision.provisional
    )


def test_a_seed_that_fails_ends_the_campaign_with_its_failure(store: Store) -> None:
    campaign = begin(store, seed=source(8.0, "compile_error"))
    script = Script(mixed)
    record = run(store, campaign.id, Judge(), script)
    assert not script.asked
    assert record.campaign.status is CampaignStatus.FINISHED
    assert "compile_error: told to be compile_error" in (record.campaign.finish_reason or "")


def test_a_task_without_a_seed_starts_with_a_first_kernel(store: Store, tmp_path: Path) -> None:
    import shutil

    from kernelwright.reference_kernels import load_task

    folder = tmp_path / "seedless"
    shutil.copytree(load_task("layer_norm").folder, folder)
    (folder / "seed.py").unlink()
    campaign = begin(store, task=str(folder), stages=["block_tiling"], rounds=1)
    store.save_campaign(
        campaign.model_copy(update={"settings": campaign.settings.model_copy(update={"seed": None})})
    )
    record = run(store, campaign.id, Judge(), Script(mixed))
    assert [(a.kind, a.stage) for a in record.attempts[:2]] == [
        (AttemptKind.FIRST, "first_kernel"),
        (AttemptKind.OPTIMISE, "block_tiling"),
    ]
    assert record.attempts[0].template == "first_kernel" and record.attempts[0].parent is None


def test_the_tasks_own_seed_is_taken_when_none_is_named(store: Store) -> None:
    from kernelwright.reference_kernels import load_task

    campaign = begin(store)
    store.save_campaign(
        campaign.model_copy(update={"settings": campaign.settings.model_copy(update={"seed": None})})
    )

    def stop(job: Job) -> None:
        raise GpuUnhealthy("the card does not answer")

    with pytest.raises(CampaignPaused):
        run(store, campaign.id, Judge(before=stop), Script(mixed))
    first = store.record(campaign.id).attempts[0]
    seed = load_task("layer_norm").seed
    assert seed is not None and first.kernel_sha == sha(seed.read_text(encoding="utf-8"))


def test_a_kernel_seen_before_is_not_judged_again(store: Store) -> None:
    campaign = begin(store, stages=["block_tiling"], rounds=2)
    judge = Judge()
    record = run(store, campaign.id, judge, Script(lambda request: fence(source(8.0))))
    assert len(judge.jobs) == 1
    assert all(
        f"same kernel as {campaign.id}.0" in a.decision.reason for a in record.attempts[1:] if a.decision
    )


def test_nothing_to_propose_ends_the_stage_with_that_reason(store: Store) -> None:
    campaign = begin(store)

    def answer(request: Request) -> str:
        raise NothingToPropose("every block size was tried")

    record = run(store, campaign.id, Judge(), Script(answer))
    assert [(e.outcome, e.reason) for e in record.campaign.stage_ends] == [
        ("finished", "every block size was tried")
    ] * 2
    assert record.campaign.status is CampaignStatus.FINISHED


@pytest.mark.parametrize(
    ("problem", "raised", "status"),
    [
        (WaitingForReply("write the reply to a file"), WaitingForReply, CampaignStatus.WAITING),
        (ProviderPaused("the API is down"), CampaignPaused, CampaignStatus.PAUSED),
        (ReplayMiss("no reply for this prompt"), ReplayMiss, CampaignStatus.PAUSED),
        (KeyboardInterrupt(), CampaignPaused, CampaignStatus.PAUSED),
        (EnvironmentLacks("install ncu"), EnvironmentLacks, CampaignStatus.PAUSED),
        (RuntimeError("a bug"), RuntimeError, CampaignStatus.PAUSED),
    ],
)
def test_whatever_stops_it_is_stored_and_can_be_resumed(
    store: Store, problem: BaseException, raised: type[BaseException], status: CampaignStatus
) -> None:
    campaign = begin(store)

    def answer(request: Request) -> str:
        if len(script.asked) == 2:
            raise problem
        return mixed(request)

    script, judge = Script(answer), Judge()
    with pytest.raises(raised) as caught:
        run(store, campaign.id, judge, script)
    stopped = store.record(campaign.id)
    assert stopped.campaign.status is status and judge.closed == 1
    assert stopped.campaign.pause_reason == (str(problem) or "interrupted")
    if isinstance(caught.value, CampaignPaused):
        assert caught.value.interrupted is isinstance(problem, KeyboardInterrupt)
    rest = Script(mixed)
    record = run(store, campaign.id, Judge(), rest)
    assert record.campaign.status is CampaignStatus.FINISHED and record.campaign.pause_reason is None
    asked = [(r.prompt_sha, r.sample) for r in script.asked + rest.asked]
    assert len(asked) == len(set(asked))


def test_a_card_that_stops_answering_pauses_without_losing_the_paid_reply(store: Store) -> None:
    campaign = begin(store, device="cuda")

    def hang(job: Job) -> None:
        if job.against:
            raise GpuUnhealthy("the card does not answer")

    first, second = Script(mixed), Script(mixed)
    with pytest.raises(CampaignPaused, match="does not answer"):
        run(store, campaign.id, Judge("cuda", before=hang), first)
    run(store, campaign.id, Judge("cuda"), second)
    assert first.asked[0].prompt_sha not in {request.prompt_sha for request in second.asked}


def test_the_budget_pauses_before_the_next_reply_and_judges_the_last_one(store: Store) -> None:
    campaign = begin(store, Budget(max_tokens=200))
    script = Script(mixed)
    with pytest.raises(CampaignPaused, match="200 tokens"):
        run(store, campaign.id, Judge(), script)
    record = store.record(campaign.id)
    assert record.tokens == 220 and all(a.done for a in record.attempts)
    more = record.campaign.model_copy(update={"budget": Budget(max_tokens=10_000)})
    store.save_campaign(more)
    assert run(store, campaign.id, Judge(), Script(mixed)).campaign.status is CampaignStatus.FINISHED


def test_minutes_count_over_all_resumes(store: Store) -> None:
    campaign = begin(store, Budget(max_minutes=1))
    store.save_campaign(campaign.model_copy(update={"seconds": 59.999}))

    def slow(job: Job) -> None:
        import time

        time.sleep(0.01)

    with pytest.raises(CampaignPaused, match="1 minutes"):
        run(store, campaign.id, Judge(before=slow), Script(mixed))
    assert store.record(campaign.id).campaign.seconds > 60


def test_a_campaign_that_is_held_is_not_run(store: Store) -> None:
    campaign = begin(store)
    judge = Judge()
    with store.hold(campaign.id), pytest.raises(CampaignHeld):
        run(store, campaign.id, judge, Script(mixed))
    assert store.record(campaign.id).attempts == [] and not judge.jobs


def test_a_finished_campaign_is_returned_without_opening_the_evaluator(store: Store) -> None:
    campaign = begin(store)
    done = run(store, campaign.id, Judge(), Script(mixed))
    judge = Judge()
    assert run(store, campaign.id, judge, Script(mixed)) == done
    assert judge.closed == 0


def test_a_disk_that_fills_up_midway_is_one_sentence_and_loses_nothing(store: Store) -> None:
    campaign = begin(store)

    def fill(request: Request) -> str:
        if len(script.asked) == 2:
            pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
            store._connection.execute(f"PRAGMA max_page_count = {pages}")
            return "x" * 100_000
        return mixed(request)

    script = Script(fill)
    with pytest.raises(StoreError, match="full") as caught:
        run(store, campaign.id, Judge(), script)
    assert "\n" not in str(caught.value)
    store._connection.execute("PRAGMA max_page_count = 1000000")
    before = store.record(campaign.id)
    assert sum(1 for a in before.attempts if a.reply) == 2
    record = run(store, campaign.id, Judge(), Script(mixed))
    assert record.attempts[: len(before.attempts) - 1] == before.attempts[:-1]
    assert record.campaign.status is CampaignStatus.FINISHED
