"""Following a campaign: what another connection writes is seen, and what did not change is not read again."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kernelwright.agent.store import Follower, Store, StoreError

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from sample_campaigns import fill, measured_record, offline_record

REAL = Path(__file__).parents[3] / "benchmarks" / "h200" / "layer_norm.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "campaigns.db"
    with Store.open(path) as store:
        fill(store, offline_record(), measured_record())
    return path


def test_an_attempt_that_another_process_adds_is_seen_and_the_others_stay_the_same_objects(
    path: Path,
) -> None:
    with Store.open(path, read_only=True) as reading, Store.open(path) as writing:
        follower = Follower(reading, "meas")
        before = follower.record()
        assert follower.record() is before
        added = before.attempts[1].model_copy(update={"id": "meas.2", "number": 2})
        writing.save_attempt(added)
        after = follower.record()
    assert after.attempts == [*before.attempts, added]
    assert all(now is then for now, then in zip(after.attempts, before.attempts, strict=False))


def test_an_attempt_that_changes_is_read_again_also_when_only_a_number_changed(path: Path) -> None:
    with Store.open(path, read_only=True) as reading, Store.open(path) as writing:
        follower = Follower(reading, "meas")
        first, second = follower.record().attempts
        writing.save_attempt(second.model_copy(update={"seconds": second.seconds + 1}))
        now = follower.record().attempts
    assert now[0] is first
    assert now[1].seconds == second.seconds + 1


def test_what_follows_equals_what_is_read_at_once(path: Path) -> None:
    with Store.open(path, read_only=True) as reading:
        assert Follower(reading, "offl").record() == reading.outline("offl")


def test_an_outline_is_the_record_without_its_briefs() -> None:
    with Store.open(REAL, read_only=True) as store:
        whole, outline = store.record("ctc4"), store.outline("ctc4")
    assert [bool(attempt.brief) for attempt in whole.attempts] == [False, *[True] * 6]
    for attempt in whole.attempts:
        attempt.brief = None
    assert outline == whole


def test_one_attempt_is_whole_and_an_unknown_one_a_sentence() -> None:
    with Store.open(REAL, read_only=True) as store:
        assert store.attempt("ctc4.3") == store.record("ctc4").attempts[3]
        with pytest.raises(StoreError, match=r"no attempt 'ctc4\.99'"):
            store.attempt("ctc4.99")


def test_a_change_of_the_campaign_alone_is_seen(path: Path) -> None:
    with Store.open(path, read_only=True) as reading, Store.open(path) as writing:
        follower = Follower(reading, "meas")
        campaign = follower.record().campaign.model_copy(update={"seconds": 77.0})
        writing.save_campaign(campaign)
        assert follower.record().campaign.seconds == 77.0


def test_threads_may_take_turns(path: Path) -> None:
    with Store.open(path, read_only=True) as reading, ThreadPoolExecutor(1) as other:
        follower = Follower(reading, "meas")
        assert other.submit(follower.record).result() is follower.record()


def test_an_unknown_campaign_is_one_sentence(path: Path) -> None:
    with Store.open(path, read_only=True) as reading, pytest.raises(StoreError, match="no campaign 'none'"):
        Follower(reading, "none").record()
