"""What is stored comes back as it was, under names that a prefix finds."""

from __future__ import annotations

import math
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from kernelwright.agent.record import Budget, Reply
from kernelwright.agent.replaying.salvage import salvage
from kernelwright.agent.store import Store, StoreError
from kernelwright.evaluator.evaluation import KernelProfile
from loop_world import accepted, attempt, begin, evaluation, settings, sha


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "folder" / "campaigns.db") as opened:
        yield opened


def seed_of(store: Store, campaign: str, **changes: object) -> None:
    verdict = evaluation(8.0, kernel=store.put_text("seed"))
    seed = attempt(0, verdict, id=f"{campaign}.0", campaign=campaign, decision=accepted(True), **changes)
    store.save_attempt(seed)


def test_an_attempt_comes_back_as_it_was(store: Store) -> None:
    campaign = begin(store)
    kernels = [KernelProfile(name="k", grid=(1, 2, 3), launches=1, time_share=None, metrics={"m": math.inf})]
    verdict = evaluation(8.0, kernel=store.put_text("seed"), kernels=kernels)
    reply = Reply(text="antwort", provider="p", model="m", parameters={"seed": 1})
    first = attempt(0, verdict, id=f"{campaign.id}.0", campaign=campaign.id, reply=reply, decision=accepted())
    store.save_attempt(first)
    assert store.record(campaign.id).attempts == [first]
    with Store.open(store.path, create=False, read_only=True) as again:
        assert again.record(campaign.id).attempts == [first]


def test_not_a_number_survives(store: Store) -> None:
    campaign = begin(store)
    kernels = [KernelProfile(name="k", grid=(1, 1, 1), launches=1, time_share=None, metrics={"m": math.nan})]
    verdict = evaluation(8.0, kernel=store.put_text("seed"), kernels=kernels)
    store.save_attempt(attempt(0, verdict, id=f"{campaign.id}.0", campaign=campaign.id))
    found = store.record(campaign.id).attempts[0].evaluation
    assert found is not None and math.isnan(found.kernels[0].metrics["m"])


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(text=st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_any_text_survives_even_with_lone_surrogates(store: Store, text: str) -> None:
    assert store.text(store.put_text(text)) == text


@pytest.mark.parametrize("text", ["\ud800 alone", "\x00 in the middle \x00", "é\u0301", "🜁\r\n\u2028", ""])
def test_a_reply_survives_byte_for_byte(store: Store, text: str) -> None:
    campaign = begin(store)
    seed_of(store, campaign.id, reply=Reply(text=text, provider="p", model="m"))
    found = store.record(campaign.id).attempts[0].reply
    assert found is not None and found.text == text


def test_a_text_is_stored_once_under_the_hash_of_its_bytes(store: Store) -> None:
    assert store.put_text("grüße") == store.put_text("grüße") == sha("grüße")
    with sqlite3.connect(store.path) as raw:
        assert raw.execute("SELECT count(*) FROM texts").fetchone() == (1,)


def test_a_text_that_changed_on_the_disk_is_not_given_out(store: Store) -> None:
    name = store.put_text("kernel")
    with sqlite3.connect(store.path) as raw:
        raw.execute("UPDATE texts SET bytes = x'00'")
    with pytest.raises(StoreError, match="damaged"):
        store.text(name)


def test_an_unknown_text_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError, match="no text"):
        store.text("0" * 64)


def test_an_attempt_cannot_name_a_kernel_that_is_not_stored(store: Store) -> None:
    campaign = begin(store)
    with pytest.raises(StoreError, match="does not fit"):
        store.save_attempt(
            attempt(0, evaluation(kernel="0" * 64), id=f"{campaign.id}.0", campaign=campaign.id)
        )
    assert store.record(campaign.id).attempts == []


def test_campaigns_are_listed_newest_first(store: Store) -> None:
    ids = [store.new_campaign(settings(None), Budget()).id for _ in range(5)]
    assert [campaign.id for campaign in store.campaigns()] == ids[::-1]


def test_ids_are_short_and_unlike_each_other(store: Store) -> None:
    ids = [begin(store).id for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(re.fullmatch("[a-hjkmnp-z][a-hjkmnp-z2-9]{3,5}", name) for name in ids)


def named(store: Store, *names: str) -> None:
    template = begin(store)
    for name in names:
        store.save_campaign(template.model_copy(update={"id": name}))
        seed_of(store, name)


def test_a_unique_prefix_finds_a_campaign_and_an_ambiguous_one_names_the_candidates(store: Store) -> None:
    named(store, "zzab", "zzac", "zzabc")
    assert store.campaign_id("zzac") == "zzac"
    assert store.campaign_id("zzab") == "zzab"  # exact, although zzabc begins with it too
    with pytest.raises(StoreError, match=r"ambiguous.*zz\w+, zz\w+, zz\w+"):
        store.campaign_id("zz")
    with pytest.raises(StoreError, match=r"no campaign 'q_%'.*zzab"):
        store.campaign_id("q_%")
    with pytest.raises(StoreError):
        store.campaign_id("")


def test_attempts_are_found_by_number_and_by_their_campaigns_prefix(store: Store) -> None:
    named(store, "zzab", "yyyy")
    for number in (1, 10, 11):
        store.save_attempt(attempt(number, id=f"zzab.{number}", campaign="zzab", parent="zzab.0"))
    assert store.attempt_id("zz.1") == "zzab.1"  # exact, although .10 and .11 begin with it
    assert store.attempt_id("zzab.11") == "zzab.11"
    assert store.attempt_id("yy") == "yyyy.0"
    with pytest.raises(StoreError, match=r"'zzab' is a campaign.*kernelwright tree zzab"):
        store.attempt_id("zzab")
    with pytest.raises(
        StoreError, match=r"no attempt 'zzab\.7': choose one of zzab.0, zzab.1, zzab.10, zzab.11$"
    ):
        store.attempt_id("zzab.7")
    with pytest.raises(StoreError, match=r"'zzab\.1' is an attempt of campaign zzab"):
        store.campaign_id("zzab.1")


def test_an_empty_store_says_how_to_begin(store: Store) -> None:
    with pytest.raises(StoreError, match="kernelwright run"):
        store.campaign_id("ab")


def test_what_a_newer_version_wrote_into_a_campaign_is_refused_in_a_sentence(store: Store) -> None:
    campaign = begin(store)
    with sqlite3.connect(store.path) as raw:
        raw.execute("""UPDATE campaigns SET data = json_set(data, '$.colour', 'blue')""")
    with pytest.raises(StoreError, match=r"field 'colour'.*upgrade"):
        store.record(campaign.id)


@pytest.mark.parametrize(
    "data",
    ["{", "[]", "null", '"x"', b"\xff\x00", '{"reply": ' + "[" * 100_000 + "]" * 100_000 + "}"],
    ids=["cut", "list", "null", "text", "bytes", "deep"],
)
@pytest.mark.parametrize("table", ["attempts", "campaigns"])
def test_a_row_that_holds_no_record_is_a_damaged_store(store: Store, table: str, data: str | bytes) -> None:
    campaign = begin(store)
    seed_of(store, campaign.id, reply=Reply(text="antwort", provider="p", model="m"))
    store._connection.execute(f"UPDATE {table} SET data = ?", (data,))
    for read in (store.record, store.outline, lambda name: salvage(store, name)):
        with pytest.raises(StoreError, match="damaged"):
            read(campaign.id)


@pytest.mark.parametrize("change", ["json_remove(data, '$.reply.text_sha')", "json_remove(data, '$.id')"])
def test_a_row_that_lacks_a_field_is_one_sentence_at_most(store: Store, change: str) -> None:
    campaign = begin(store)
    seed_of(store, campaign.id, reply=Reply(text="antwort", provider="p", model="m"))
    store._connection.execute(f"UPDATE attempts SET data = {change}")
    for read in (store.record, store.outline, lambda name: salvage(store, name)):
        with suppress(StoreError):
            read(campaign.id)
