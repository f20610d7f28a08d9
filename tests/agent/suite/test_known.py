"""The best known kernel, out of real stores with several campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernelwright.agent.record import CampaignStatus
from kernelwright.agent.store import Store
from kernelwright.agent.suite.known import best_in_stores
from kernelwright.evaluator.protocol import Standing
from loop_world import accepted, attempt, begin, evaluation, refused, source

CARD = "NVIDIA H200"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        yield opened


def keep(
    store: Store, ms: float, *, task: str = "softmax", card: str | None = CARD, final: float | None = None
) -> str:
    """A campaign whose kept kernel takes that long, before a faster one that was not kept; its name."""
    campaign = begin(store, task=task, device="cuda" if card else "offline")
    for number, (each, decision) in enumerate([(ms, accepted()), (ms / 100, refused())]):
        text = source(each, tag=str(number))
        verdict = evaluation(each, kernel=store.put_text(text), against=("eager", 8.0) if card else None)
        verdict = verdict.model_copy(update={"device": card or "offline"})
        names = {"id": f"{campaign.id}.{number}", "campaign": campaign.id, "parent": None}
        store.save_attempt(attempt(number, verdict, decision=decision, **names))
    if final is not None:
        ended = {
            "status": CampaignStatus.FINISHED,
            "standings": [Standing(name="best", median_ms=final, rounds=5)],
        }
        store.save_campaign(campaign.model_copy(update=ended))
    return campaign.id


def origin(*stores: Store, card: str = CARD) -> str | None:
    found = best_in_stores({store.path.name: store for store in stores}, "softmax", card)
    return found.origin.partition(".")[0] if found else None


def test_the_fastest_of_the_kept_ones_of_that_task(store: Store) -> None:
    keep(store, 2.0)
    fast = keep(store, 1.0)
    keep(store, 0.1, task="matmul")
    assert origin(store) == fast


def test_the_final_head_to_head_counts_more_than_the_attempt(store: Store) -> None:
    keep(store, 1.0, final=3.0)
    plain = keep(store, 2.0)
    assert origin(store) == plain


def test_estimates_are_no_candidates(store: Store) -> None:
    keep(store, 0.5, card=None)
    assert origin(store) is None
    slow = keep(store, 2.0)
    assert origin(store) == slow


def test_this_card_counts_before_all_others(store: Store) -> None:
    mine = keep(store, 2.0)
    other = keep(store, 1.0, card="NVIDIA GeForce RTX 4090")
    assert origin(store) == mine
    assert origin(store, card="NVIDIA GeForce RTX 4090") == other


def test_stores_are_searched_together(store: Store, tmp_path: Path) -> None:
    keep(store, 2.0)
    with Store.open(tmp_path / "other.db") as other:
        keep(other, 1.0)
        found = best_in_stores({"one": store, "two": other}, "softmax", CARD)
    assert found and found.place == "two" and found.source == source(1.0, tag="0")
