"""The best known kernel, out of real stores with several campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernelwright.agent import rules
from kernelwright.agent.record import CampaignStatus
from kernelwright.agent.store import Store
from kernelwright.agent.suite.known import best_of, by_task
from kernelwright.evaluator.protocol import Standing
from loop_world import accepted, attempt, begin, evaluation, refused, session, source

CARD, OTHER = "NVIDIA H200", "NVIDIA GeForce RTX 4090"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        yield opened


def keep(
    store: Store,
    ms: float,
    *,
    task: str = "softmax",
    card: str | None = CARD,
    final: float | None = None,
    imported: int | None = None,
    recorded: bool = False,
    later: float | None = None,
) -> str:
    """A campaign whose best kernel takes that long, between a slower one and one that was not kept; its name.

    ``final`` is its time in the head to head at the end, ``later`` that of a find without a card after it.
    """
    campaign = begin(store, task=task, device="cuda" if card else "offline", recorded=recorded)
    kept = [(ms * 3, card, accepted()), (ms, card, accepted()), (ms / 100, card, refused())]
    kept += [(later, None, accepted(provisional=True))] if later is not None else []
    for number, (each, where, decision) in enumerate(kept):
        text = source(each, tag=str(number))
        verdict = evaluation(each, kernel=store.put_text(text), against=("eager", 8.0) if where else None)
        verdict = verdict.model_copy(update={"device": where or "offline"})
        names = {"id": f"{campaign.id}.{number}", "campaign": campaign.id, "parent": None}
        store.save_attempt(attempt(number, verdict, decision=decision, kernel_sha=verdict.kernel, **names))
    changes: dict[str, object] = {"imported": imported}
    if final is not None:
        standings = [Standing(name="best", median_ms=final, rounds=5)]
        ran = session("cuda").model_copy(update={"device": card}) if card else None
        changes |= {"status": CampaignStatus.FINISHED, "standings": standings, "session": ran}
    store.save_campaign(campaign.model_copy(update=changes))
    return campaign.id


def origin(*stores: Store, card: str = CARD) -> str | None:
    found = best_of(by_task({store.path.name: store for store in stores}).get("softmax", []), card)
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
    other = keep(store, 1.0, card=OTHER)
    assert origin(store) == mine
    assert origin(store, card=OTHER) == other


def test_stores_are_searched_together(store: Store, tmp_path: Path) -> None:
    keep(store, 2.0)
    with Store.open(tmp_path / "other.db") as other:
        keep(other, 1.0)
        found = best_of(by_task({"one": store, "two": other})["softmax"], CARD)
    assert found and found.place == "two" and found.source == source(1.0, tag="1")


def test_what_was_measured_here_wins_over_what_a_file_tells(store: Store) -> None:
    told = keep(store, 1e-9, final=1e-9, imported=3)
    assert origin(store) == told
    mine = keep(store, 3.0, card=OTHER)
    assert origin(store) == mine


def test_a_repeated_verdict_is_no_measurement(store: Store) -> None:
    repeated = keep(store, 1e-9, recorded=True)
    assert origin(store) == repeated
    mine = keep(store, 3.0)
    assert origin(store) == mine


def test_what_an_imported_campaign_came_to_here_is_our_own(store: Store) -> None:
    keep(store, 2.0)
    went_on = keep(store, 1.0, imported=0)
    assert origin(store) == went_on


CAMPAIGNS = st.fixed_dictionaries(
    {
        "ms": st.sampled_from([1.0, 2.0, 3.0]),
        "card": st.sampled_from([CARD, OTHER, None]),
        "final": st.sampled_from([None, 0.5, 2.5]),
        "imported": st.sampled_from([None, 0, 3]),
        "recorded": st.booleans(),
        "later": st.sampled_from([None, 0.1]),
    }
)
_number = count()


@settings(max_examples=40, deadline=None)
@given(campaigns=st.lists(CAMPAIGNS, max_size=5))
def test_what_is_not_read_would_change_nothing(
    campaigns: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Against a judge that reads every attempt of every campaign."""
    path = tmp_path_factory.getbasetemp() / f"{next(_number)}.db"
    with Store.open(path) as store:
        for campaign in campaigns:
            keep(store, **campaign)  # type: ignore[arg-type]
        found = best_of(by_task({"x": store}).get("softmax", []), CARD)
        ranks = {rank: name for name, rank in reversed(list(_ranks(store)))}
    assert (found.origin if found else None) == (ranks[min(ranks)] if ranks else None)


def _ranks(store: Store) -> Iterator[tuple[str, tuple[bool, bool, float]]]:
    for campaign in store.campaigns():
        record = store.outline(campaign.id)
        best = rules.best(record, "measured")
        if best is None or best.evaluation is None or best.evaluation.ms is None:
            continue
        ms = next((one.median_ms for one in campaign.standings if one.median_ms), best.evaluation.ms)
        told = campaign.settings.recorded or campaign.is_imported(best)
        yield best.id, (told, best.evaluation.device != CARD, ms)
