"""Any campaign replays to the same with the code that ran it: resumed, carried over, with samples and repairs."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernelwright.agent.record import Record
from kernelwright.agent.replaying.again import KINDS, compare
from kernelwright.agent.replaying.difference import Comparison
from kernelwright.agent.replaying.salvage import salvage
from kernelwright.agent.store import Store

sys.path.insert(0, str(Path(__file__).parent))

from worlds import Life, live

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
