"""A campaign from the PyTorch reference alone: asked for until something passes, or until it may ask no more."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent.loop import CampaignPaused, remeasure, run_campaign
from kernelwright.agent.providers.base import Request
from kernelwright.agent.record import AttemptKind, Budget, Campaign, CampaignStatus, Record
from kernelwright.agent.replaying.steps import compare_steps
from kernelwright.agent.store import Store
from kernelwright.agent.views.summary import resume_command
from kernelwright.reference_kernels import load_task
from kernelwright.stages import stages
from loop_world import Judge, Quiet, Script, fence, settings, source

PROSE = "I would rather talk about it."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        yield opened


@pytest.fixture
def begin(store: Store, tmp_path: Path) -> Callable[..., Campaign]:
    """Stores a campaign about a task that has a reference and no seed."""
    folder = tmp_path / "seedless"
    shutil.copytree(load_task("layer_norm").folder, folder)
    (folder / "seed.py").unlink()
    given = {"task": str(folder), "stages": ["block_tiling"], "rounds": None, "repairs": None}

    def new(budget: Budget | None = None, **changes: object) -> Campaign:
        return store.new_campaign(settings(None, **{**given, **changes}), budget or Budget())

    return new


def says(*replies: str) -> Script:
    """Answers with these replies in turn, each wrong kernel another one, and the last of them ever after."""
    script = Script(lambda request: reply(len(script.asked)))

    def reply(number: int) -> str:
        word = replies[min(number, len(replies) - 1)]
        return word if word == PROSE else fence(source(8.0 * 0.8**number, word, tag=str(number)))

    return script


def run(store: Store, campaign: str, script: Script, judge: Judge | None = None) -> Record:
    return run_campaign(store, campaign, judge or Judge(), script, Quiet())


def paused(store: Store, campaign: str, script: Script) -> str:
    """Why the campaign paused."""
    with pytest.raises(CampaignPaused) as caught:
        run(store, campaign, script)
    record = store.record(campaign)
    assert record.campaign.status is CampaignStatus.PAUSED and record.campaign.pause_reason == str(
        caught.value
    )
    return str(caught.value)


def change(store: Store, campaign: str, **changes: object) -> None:
    stored = store.record(campaign).campaign
    changed = stored.settings.model_copy(update=changes)
    store.save_campaign(stored.model_copy(update={"settings": changed}))


def asked(record: Record) -> list[tuple[AttemptKind, int, str | None]]:
    """Kind, round and what is mended of every attempt at a first kernel, without the campaign's name."""
    return [
        (a.kind, a.round, a.mends.partition(".")[2] if a.mends else None)
        for a in record.attempts
        if a.stage == "first_kernel"
    ]


def test_it_is_repaired_until_it_passes_and_the_plan_goes_on_from_there(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    campaign, script = begin(), says("compile_error", PROSE, "incorrect", "passed")
    record = run(store, campaign.id, script)
    assert asked(record) == [
        (AttemptKind.FIRST, 1, None),
        (AttemptKind.REPAIR, 1, "0"),
        (AttemptKind.REPAIR, 1, "1"),
        (AttemptKind.REPAIR, 1, "2"),
    ]
    first = record.attempts[3]
    assert first.decision is not None and first.decision.accepted
    assert record.attempts[4].stage == "block_tiling" and record.attempts[4].parent == first.id
    end = record.campaign.stage_ends[0]
    assert (end.stage, end.reason) == ("first_kernel", "a first kernel passed")
    assert compare_steps(record, stages()) is None


def test_each_repair_is_about_the_last_failure_in_its_own_words(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    script = says("compile_error", PROSE, "incorrect", "passed")
    run(store, begin().id, script)
    first, second, third, fourth = (
        request.prompt.partition("[FAILED ATTEMPT]")[2] for request in script.asked[:4]
    )
    assert first == ""
    assert "Status: compile_error" in second and "told to be compile_error" in second
    assert "Status: no_code" in third and "told to be" not in third
    assert "Status: incorrect" in fourth and "told to be incorrect" in fourth


def test_a_new_round_starts_from_the_reference_and_knows_what_failed(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    script = says("compile_error", "runtime_error", "incorrect", "incorrect", "passed")
    record = run(store, begin().id, script)
    fresh = script.asked[4].prompt
    assert asked(record)[4] == (AttemptKind.FIRST, 2, None) and record.attempts[4].template == "first_kernel"
    assert "[FAILED ATTEMPT]" not in fresh and "def get_inputs" in fresh
    for number, status in enumerate(("compile_error", "runtime_error", "incorrect", "incorrect")):
        assert f"- attempt {number}: {status}: told to be {status}" in fresh


def test_without_a_first_kernel_it_pauses_and_more_rounds_go_on_asking(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    campaign = begin()
    why = paused(store, campaign.id, says("incorrect"))
    assert "no first kernel passed in 2 rounds of 8 replies" in why and "told to be incorrect" in why
    record = store.record(campaign.id)
    assert resume_command(record) == f"kernelwright resume {campaign.id} --rounds 4"
    assert not record.campaign.stage_ends and compare_steps(record, stages()) is None
    again = says("passed")
    assert paused(store, campaign.id, again) == why and not again.asked
    change(store, campaign.id, rounds=4)
    record = run(store, campaign.id, Script(lambda request: fence(source(4.0, tag=request.attempt))))
    assert record.campaign.status is CampaignStatus.FINISHED and record.best is not None
    assert asked(record)[8] == (AttemptKind.FIRST, 3, None) and len(asked(record)) == 9
    assert compare_steps(record, stages()) is None


@pytest.mark.parametrize(
    ("chosen", "replies"),
    [
        pytest.param({"rounds": 1}, 8, id="fewer rounds are for the stages behind it"),
        pytest.param({"rounds": 5}, 20, id="more rounds are its own too and no plateau ends them"),
        pytest.param({"rounds": 1, "repairs": 0}, 2, id="repairs that were forbidden"),
    ],
)
def test_how_often_it_is_asked(
    store: Store, begin: Callable[..., Campaign], chosen: dict[str, int], replies: int
) -> None:
    script = says("incorrect")
    paused(store, begin(**chosen).id, script)
    assert len(script.asked) == replies


def test_fewer_rounds_still_hold_for_the_stages_behind_it(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    record = run(store, begin(rounds=1).id, says("incorrect", "passed"))
    assert [a.round for a in record.attempts if a.stage == "block_tiling"] == [1]


def test_a_budget_bounds_the_asking(store: Store, begin: Callable[..., Campaign]) -> None:
    campaign, script = begin(Budget(max_tokens=300)), says("incorrect")
    assert "300 tokens" in paused(store, campaign.id, script)
    assert len(script.asked) == 3
    assert resume_command(store.record(campaign.id)).endswith("--max-tokens N")


def test_what_only_a_card_can_judge_is_neither_repaired_nor_asked_for_again(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    campaign, script = begin(), says("incorrect", "unchecked")
    why = paused(store, campaign.id, script)
    assert len(script.asked) == 2 and f"{campaign.id}.1 is unchecked offline (told to be unchecked)" in why
    record = store.record(campaign.id)
    assert record.best is None
    assert resume_command(record) == f"kernelwright resume {campaign.id} --device cuda"
    assert paused(store, campaign.id, script) == why and len(script.asked) == 2


def test_more_rounds_ask_for_another_than_the_unchecked_one(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    campaign = begin()
    paused(store, campaign.id, says("unchecked"))
    change(store, campaign.id, rounds=2)
    script = Script(lambda request: fence(source(4.0, tag=request.attempt)))
    record = run(store, campaign.id, script)
    assert asked(record) == [(AttemptKind.FIRST, 1, None), (AttemptKind.FIRST, 2, None)]
    assert "unchecked" in script.asked[0].prompt and record.attempts[1].decision.accepted  # type: ignore[union-attr]


def test_a_card_decides_on_the_unchecked_one_and_the_plan_goes_on(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    campaign = begin()
    paused(store, campaign.id, says("unchecked"))
    judge = Judge("cuda")
    script = Script(lambda request: fence(source(4.0, tag=request.attempt)))
    record = remeasure(store, campaign.id, judge, Quiet(), 3, script)
    measured = record.attempts[1]
    assert measured.kind is AttemptKind.REMEASURE and judge.jobs[0].against is None
    assert measured.decision is not None and measured.decision.accepted and not measured.decision.provisional
    assert record.attempts[2].stage == "block_tiling" and record.campaign.status is CampaignStatus.FINISHED
    assert compare_steps(record, stages()) is None


def test_when_the_card_refuses_the_unchecked_one_another_is_asked_for(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    class Strict(Judge):
        """Finds on the card that what could not be checked was wrong."""

        def evaluate(self, job, progress):  # type: ignore[no-untyped-def]
            wrong = job.model_copy(update={"source": job.source.replace("unchecked", "incorrect", 1)})
            return super().evaluate(wrong, progress).model_copy(update={"kernel": job.source})

    campaign = begin()
    paused(store, campaign.id, says("unchecked"))
    script = Script(lambda request: fence(source(4.0, tag=request.attempt)))
    record = remeasure(store, campaign.id, Strict("cuda"), Quiet(), 3, script)
    assert [a.kind for a in record.attempts[:3]] == [
        AttemptKind.FIRST,
        AttemptKind.REMEASURE,
        AttemptKind.FIRST,
    ]
    assert "incorrect: told to be incorrect" in script.asked[0].prompt
    assert record.best is not None


def answer(request: Request) -> str:
    """Never used for a campaign that is over."""
    raise AssertionError(request.attempt)


def test_one_that_ended_without_a_first_kernel_in_the_past_stays_as_it_was(
    store: Store, begin: Callable[..., Campaign]
) -> None:
    from kernelwright.agent.record import StageEnd

    campaign = begin()
    paused(store, campaign.id, says("incorrect"))
    stored = store.record(campaign.id).campaign
    end = StageEnd(stage="first_kernel", outcome="finished", reason="all 2 rounds are done")
    over = {"stage_ends": [end], "status": CampaignStatus.FINISHED, "pause_reason": None}
    store.save_campaign(stored.model_copy(update=over))
    assert run(store, campaign.id, Script(answer)).campaign.status is CampaignStatus.FINISHED
