"""Any campaign replays to the same with the code that ran it: resumed, carried over, with samples and repairs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.agent.loop import CampaignPaused, run_campaign
from kernelwright.agent.record import Record
from kernelwright.agent.replaying.again import KINDS, compare
from kernelwright.agent.replaying.difference import Comparison
from kernelwright.agent.replaying.salvage import salvage
from kernelwright.agent.store import Store

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from loop_world import Quiet, Script, begin
from worlds import PLAN, Life, ProfilingJudge, Stops, answers, live

LIVES = st.builds(
    Life,
    seed=st.integers(0, 10_000),
    device=st.sampled_from(["offline", "cuda"]),
    rounds=st.sampled_from([None, 1, 2, 3]),
    samples=st.integers(1, 3),
    repairs=st.sampled_from([None, 0, 1, 2]),
    stops=st.lists(st.integers(1, 12), max_size=3).map(tuple),
    rounds_later=st.sampled_from([None, None, 1, 3]),
)
MOVED = st.builds(
    Life,
    seed=st.integers(0, 10_000),
    samples=st.integers(1, 2),
    stops=st.lists(st.integers(1, 12), max_size=2).map(tuple),
    moved=st.just(True),
)


def replayed(store: Store, record: Record) -> list[Comparison]:
    return compare(store, salvage(store, record.campaign.id), KINDS, lambda: None)


@pytest.mark.parametrize("at", range(1, 7))
def test_a_campaign_that_stands_still_replays_to_the_same_as_far_as_it_goes(store: Store, at: int) -> None:
    campaign = begin(store, device="cuda", stages=PLAN, rounds=2, samples=2)
    with pytest.raises(CampaignPaused):
        run_campaign(
            store, campaign.id, ProfilingJudge("cuda", before=Stops((at,))), Script(answers(at)), Quiet()
        )
    record = store.record(campaign.id)
    assert not record.attempts[-1].done
    assert [each.differences for each in replayed(store, record)] == [[], [], []]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=st.one_of(LIVES, MOVED))
def test_any_life_replays_to_the_same(store: Store, life: Life) -> None:
    record = live(store, life)
    found = replayed(store, record)
    assert [each.differences for each in found] == [[], [], []]
    assert found[0].compared == sum(1 for a in record.attempts if a.prompt_sha)
    assert found[1].compared == sum(1 for a in record.attempts if a.reply)
    judged = sum(1 for a in record.attempts if a.kernel_sha or a.failure)
    assert found[2].compared == judged and found[2].steps >= len(record.attempts)
