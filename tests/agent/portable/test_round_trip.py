"""What is exported and imported is the campaign: every text, every number, every byte of the next export."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
from files import as_imported, exported, file_of, taken_in
from kernelwright.agent.loop import run_campaign
from kernelwright.agent.portable.exporting import compressed
from kernelwright.agent.portable.format import texts_named
from kernelwright.agent.record import Record, Reply
from kernelwright.agent.store import Store
from kernelwright.evaluator.evaluation import KernelProfile
from loop_world import Judge, Quiet, Script, begin, mixed
from sample_campaigns import HOSTILE, measured_record, offline_record

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "h200" / "layer_norm.db"
SAMPLES = {"offline": offline_record, "measured": measured_record}


def record_in(path: Path, campaign: str) -> Record:
    with Store.open(path, create=False, read_only=True) as store:
        return store.record(campaign)


@pytest.mark.parametrize("campaign", ["ctc4", "jwgu", "am7r"])
def test_a_real_campaign_comes_back_byte_for_byte(tmp_path: Path, campaign: str) -> None:
    original = Path(shutil.copy(BENCHMARK, tmp_path))
    with Store.open(original, create=False, read_only=True) as store:
        content, record = exported(store, campaign), store.record(campaign)
        texts = {sha: store.text(sha) for sha in texts_named(record)}
        assert exported(store, campaign) == content
    assert taken_in(tmp_path / "new.db", content) == campaign
    with Store.open(tmp_path / "new.db") as store:
        assert store.record(campaign) == as_imported(record)
        assert {sha: store.text(sha) for sha in texts} == texts
        assert exported(store, campaign) == content


@pytest.mark.parametrize("name", SAMPLES)
def test_a_campaign_full_of_hostile_texts_comes_back(tmp_path: Path, name: str) -> None:
    record = SAMPLES[name]()
    content = file_of(tmp_path, record)
    taken_in(tmp_path / "new.db", content)
    assert record_in(tmp_path / "new.db", record.campaign.id) == as_imported(record)
    assert all(32 <= byte < 127 or byte == 10 for byte in content)  # a terminal is safe from the file


def test_a_campaign_of_the_loop_comes_back_and_goes_on(tmp_path: Path) -> None:
    """With replies that hold lone surrogates."""
    with Store.open(tmp_path / "old.db") as store:
        campaign = begin(store).id
        record = run_campaign(store, campaign, Judge(), Script(mixed), Quiet())
        content = exported(store, campaign)
    assert any("\ud800" in attempt.reply.text for attempt in record.attempts if attempt.reply)
    taken_in(tmp_path / "new.db", content)
    with Store.open(tmp_path / "new.db") as store:
        assert store.record(campaign) == as_imported(record)
        assert exported(store, campaign) == content
        again = run_campaign(store, campaign, Judge(), Script(mixed), Quiet())
    assert again.attempts == record.attempts


def test_numbers_that_are_not_finite_come_back(tmp_path: Path) -> None:
    record = offline_record()
    verdict = record.attempts[0].evaluation
    assert verdict is not None
    odd = KernelProfile(
        name="k",
        grid=(1, 1, 1),
        launches=1,
        time_share=None,
        config={"LOW": -math.inf, "NONE": math.nan, "ZERO": -0.0, "WORD": "nan", "YES": True},
        metrics={"m": math.inf},
    )
    record.attempts[0].evaluation = verdict.model_copy(update={"kernels": [odd]})
    content = file_of(tmp_path, record)
    taken_in(tmp_path / "new.db", content)
    found = record_in(tmp_path / "new.db", "offl").attempts[0].evaluation
    assert found is not None and repr(found.kernels[0]) == repr(odd)


def test_the_order_of_metrics_and_families_is_kept(tmp_path: Path) -> None:
    """Prompts show them in it."""
    record = offline_record()
    verdict = record.attempts[0].evaluation
    assert verdict is not None
    metrics = dict.fromkeys(("z", "a", "m"), 1.0)
    kernels = [verdict.kernels[0].model_copy(update={"metrics": metrics})]
    record.attempts[0].evaluation = verdict.model_copy(update={"kernels": kernels})
    taken_in(tmp_path / "new.db", file_of(tmp_path, record))
    found = record_in(tmp_path / "new.db", "offl").attempts[0].evaluation
    assert found is not None and list(found.kernels[0].metrics) == ["z", "a", "m"]


@pytest.mark.parametrize(
    "text", ["", "\n", "a", "a\n", "a\r\nb\r", "\ufeff\x00\u2028", HOSTILE, "\ud800 \U0001f600"]
)
def test_any_text_comes_back(tmp_path: Path, text: str) -> None:
    record = offline_record()
    record.attempts[2].reply = Reply(text=text, provider="openai", model="m")
    taken_in(tmp_path / "new.db", file_of(tmp_path, record))
    found = record_in(tmp_path / "new.db", "offl").attempts[2].reply
    assert found is not None and found.text == text


def test_compressed_it_is_the_same_file(tmp_path: Path) -> None:
    content = file_of(tmp_path, offline_record())
    packed = compressed(content)
    assert packed == compressed(content) and len(packed) < len(content)
    assert taken_in(tmp_path / "new.db", packed) == "offl"


def test_the_file_reads_as_lines(tmp_path: Path) -> None:
    """A change of one line of one kernel is a change of one line of the file, besides hashes."""
    data = json.loads(file_of(tmp_path, offline_record()))
    assert list(data) == ["format", "version", "sha256", "campaign", "attempts", "texts"]
    assert list(data["texts"]) == sorted(data["texts"])
    assert ["import triton", "", "BLOCK = 1024", "GRID = 16", ""] in data["texts"].values()


def test_a_file_from_before_a_field_was_there_is_read(tmp_path: Path) -> None:
    from files import sealed

    data = json.loads(file_of(tmp_path, offline_record()))
    del data["campaign"]["settings"]["remeasure"], data["attempts"][1]["terms"]
    taken_in(tmp_path / "new.db", sealed(data))
    assert record_in(tmp_path / "new.db", "offl") == as_imported(offline_record())
