"""Answers are stored beside an attempt, come back as they were, and leave the campaign's record alone."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from kernelwright.agent.record import Attempt, ExtractionFailure, Failure, Reply
from kernelwright.agent.store import Answers, CampaignHeld, Store, StoreError
from loop_world import attempt, begin, evaluation


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        yield opened


@pytest.fixture
def asked(store: Store) -> Attempt:
    campaign = begin(store)
    made = attempt(0, id=f"{campaign.id}.0", campaign=campaign.id, prompt_sha=store.put_text("the prompt"))
    store.save_attempt(made)
    return made


def reply(text: str = "an answer") -> Reply:
    return Reply(text=text, provider="openai", model="m-2", parameters={"temperature": 0.5})


def test_an_answer_comes_back_as_it_was(store: Store, asked: Attempt) -> None:
    first = Answers(store).new(asked, "openai", "m", reply())
    second = Answers(store).new(asked, "manual", "person", reply("another"))
    assert (first.id, second.id) == (f"{asked.id}@1", f"{asked.id}@2")
    verdict = evaluation(4.0, kernel=store.put_text("kernel"))
    changes = {"kernel_sha": verdict.kernel, "evaluation": verdict, "differences": ["x"], "again": verdict}
    judged = first.model_copy(update=changes)
    Answers(store).save(judged)
    assert Answers(store).of(asked.id) == [judged, second]
    with Store.open(store.path, read_only=True) as again:
        assert Answers(again).of(asked.id) == [judged, second]
        assert again.record(asked.campaign).attempts == [asked]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_any_reply_survives(store: Store, asked: Attempt, text: str) -> None:
    made = Answers(store).new(asked, "openai", "m", reply(text))
    assert Answers(store).get(made.id).reply.text == text


def test_an_answer_is_found_by_its_campaigns_prefix(store: Store, asked: Attempt) -> None:
    made = Answers(store).new(asked, "openai", "m", reply())
    assert Answers(store).get(made.id) == Answers(store).get(f"{asked.id[:2]}.0@1") == made
    for name in (f"{asked.id}@2", f"{asked.id}@", asked.id):
        with pytest.raises(StoreError, match=f"no answer '{name}': `kernelwright ask {asked.id}`"):
            Answers(store).get(name)
    with pytest.raises(StoreError, match="no campaign 'zz"):
        Answers(store).get("zzzz.0@1")


def test_a_text_is_stored_once_whoever_wrote_it(store: Store, asked: Attempt) -> None:
    for _ in range(3):
        Answers(store).new(asked, "openai", "m", reply("the same"))
    with sqlite3.connect(store.path) as raw:
        assert raw.execute(
            "SELECT count(*) FROM texts WHERE bytes = CAST('the same' AS BLOB)"
        ).fetchone() == (1,)


def test_an_answer_cannot_name_what_is_not_stored(store: Store, asked: Attempt) -> None:
    made = Answers(store).new(asked, "openai", "m", reply())
    with pytest.raises(StoreError, match="does not fit"):
        Answers(store).save(made.model_copy(update={"kernel_sha": "0" * 64}))
    with pytest.raises(StoreError, match="does not fit"):
        Answers(store).new(asked.model_copy(update={"id": "nobo.0"}), "openai", "m", reply())
    with pytest.raises(ValueError, match="no prompt"):
        Answers(store).new(asked.model_copy(update={"prompt_sha": None}), "openai", "m", reply())
    assert Answers(store).of(asked.id) == [made]


def test_what_is_left_to_do_is_seen(store: Store, asked: Attempt) -> None:
    made = Answers(store).new(asked, "openai", "m", reply())
    verdict = evaluation(4.0)
    failure = Failure(kind=ExtractionFailure.EMPTY, reason="nothing")
    steps: list[tuple[dict[str, object], bool, bool]] = [
        ({}, False, True),
        ({"failure": failure}, True, False),
        ({"kernel_sha": "k"}, True, True),
        ({"kernel_sha": "k", "evaluation": verdict}, True, False),
        ({"kernel_sha": "k", "evaluation": verdict, "differences": ["x"]}, True, True),
        ({"kernel_sha": "k", "evaluation": verdict, "differences": ["x"], "again": verdict}, True, False),
    ]
    for changes, extracted, left in steps:
        now = made.model_copy(update=changes)
        assert (now.extracted, now.open) == (extracted, left), changes


def test_one_process_asks_about_an_attempt_and_the_campaign_stays_free(store: Store, asked: Attempt) -> None:
    with Answers(store).hold(asked.id):
        with (
            pytest.raises(CampaignHeld, match=f"attempt {asked.id} is held by"),
            Answers(store).hold(asked.id),
        ):
            pass
        with store.hold(asked.campaign):
            pass
