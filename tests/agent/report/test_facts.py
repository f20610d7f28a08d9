"""The page's facts: complete, in the terminal's words, and honest about estimates."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from kernelwright.agent.record import Record
from kernelwright.agent.report.facts import page_facts, page_texts, text_of
from kernelwright.agent.report.pairs import pairs_pictures
from kernelwright.agent.report.texts import page_key
from kernelwright.agent.report.tree_facts import levels, stage_groups
from kernelwright.agent.views.tree import tree
from report_world import STORED
from rich.console import Console
from sample_campaigns import BAD, FASTER, HOSTILE, SEED, measured_record, offline_record

RECORDS = {"measured": measured_record, "offline": offline_record}
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture(params=sorted(RECORDS))
def record(request: pytest.FixtureRequest) -> Record:
    return RECORDS[request.param]()


def pages(record: Record) -> dict[str, dict[str, Any]]:
    texts = page_texts(record, STORED.__getitem__)
    return {row["id"]: json.loads(texts[row["page"]]()) for row in page_facts(record, "finished")["attempts"]}


def strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list | tuple):
        for value in data.values() if isinstance(data, dict) else data:
            yield from strings(value)


def test_every_text_that_is_named_can_be_had(record: Record) -> None:
    texts = page_texts(record, STORED.__getitem__)
    named = {key for page in pages(record).values() for key in page["texts"].values()}
    assert named | {page_key(attempt) for attempt in record.attempts} == set(texts)
    assert (
        text_of(record, STORED.__getitem__, pages(record)[record.attempts[1].id]["texts"]["code"]) == FASTER
    )
    with pytest.raises(KeyError):
        text_of(record, STORED.__getitem__, "no such key")


def test_long_texts_stay_out_of_the_outline(record: Record) -> None:
    asked_for: list[str] = []
    page_texts(record, lambda sha: asked_for.append(sha) or STORED[sha])  # type: ignore[func-returns-value]
    assert asked_for == []
    assert "import triton" not in json.dumps(page_facts(record, "finished"))


def test_facts_are_json(record: Record) -> None:
    facts = page_facts(record, "finished")
    assert json.loads(json.dumps(facts, allow_nan=False))["campaign"]["id"] == record.campaign.id


def test_numbers_that_are_none_survive() -> None:
    """Nobody should store a NaN; whoever did can still read the page."""
    record = measured_record()
    evaluation = record.attempts[1].evaluation
    assert evaluation is not None
    evaluation.kernels[0].metrics |= {
        "a": float("nan"),
        "b": float("inf"),
        "gpu__time_duration.sum": float("nan"),
    }
    tables = pages(record)["meas.1"]["metrics"]["kernels"]
    shown = {
        row["name"]: row["after"] for table in tables for row in table["rows"] if table["name"] == "partial"
    }
    assert (shown["a"], shown["b"]) == ("nan", "inf")


def test_the_page_says_what_the_terminal_says(record: Record) -> None:
    file = io.StringIO()
    Console(file=file, width=400, highlight=False, markup=False).print(tree(record))
    terminal = file.getvalue()
    for row in page_facts(record, "finished")["attempts"]:
        line = next(line for line in terminal.splitlines() if f" {row['id']} " in line)
        for word in ("step", "state", "time", "gain", "why"):
            assert row[word] in line


def test_an_estimate_is_marked_and_claims_no_speedup() -> None:
    record = offline_record()
    facts = page_facts(record, "finished")
    facts.pop("chart")
    said = [*strings(facts), *strings(pages(record))]
    assert not [line for line in said if re.search(r"\d×(?!\d)", line)]
    for row in facts["attempts"]:
        assert row["time"] == "—" or " est. (" in row["time"]
    assert [row["gain"] for row in facts["stages"]["rows"] if row["gain"]] == ["est. ÷ 6.39", "est. ÷ 6.39"]
    metrics = pages(record)["offl.1"]["metrics"]
    assert metrics["estimated"] and not pages(measured_record())["meas.1"]["metrics"]["estimated"]


def test_nothing_that_steers_is_left_in_any_string(record: Record) -> None:
    texts = page_texts(record, STORED.__getitem__)
    for text in [*strings(page_facts(record, "finished")), *(make() for make in texts.values())]:
        assert not STEERING.search(text)


def test_every_attempt_stands_once_in_the_tree_and_stages_without_one_stand_too(record: Record) -> None:
    found = stage_groups(record)
    assert [index for group in found for index in group["rows"]] == list(range(len(record.attempts)))
    named = {group["stage"] for group in found}
    assert {end.stage for end in record.campaign.stage_ends} <= named
    assert [group["stage"] for group in found][:2] == [None, "algorithm"]


def test_a_repair_stands_below_what_it_mends() -> None:
    depth = levels(offline_record())
    assert (depth["offl.2"], depth["offl.3"]) == (1, 2)


def test_levels_are_those_that_the_terminal_draws() -> None:
    """A repair whose stage is another than that of what it mends, as only a strange file has it, stands alone."""
    record = offline_record()
    assert record.attempts[3].mends == "offl.2"
    record.attempts[3].stage = "block_tiling"
    assert levels(record)["offl.3"] == 1


def test_pairs_without_a_sensible_ratio_are_not_drawn() -> None:
    record = measured_record()
    evaluation = record.attempts[1].evaluation
    assert evaluation and evaluation.timing
    evaluation.timing.samples = [(5e-324, 1.7e308), (1e-300, 1.0), (1.0, 2.0)]
    pictures = pairs_pictures(evaluation.timing, "eager", "2×")
    assert all("nan" not in picture and "inf" not in picture for picture in pictures)
    assert pictures[1].count("<circle") == 1


def test_money_is_told_where_there_is_a_price() -> None:
    record = offline_record()
    assert "USD" not in page_facts(record, "finished")["stages"]["columns"]
    record.campaign.settings.usd_per_million = (1.0, 10.0)
    stages = page_facts(record, "finished")["stages"]
    assert "USD" in stages["columns"] and stages["rows"][-1]["USD"] == "0.0760"
    told = {name: value for _, pairs in pages(record)["offl.1"]["record"] for name, value in pairs}
    assert told["cost"] == "0.0190 USD"


def test_a_kernel_seen_before_says_where() -> None:
    record = measured_record()
    record.attempts[1].kernel_sha = record.attempts[0].kernel_sha
    page = pages(record)["meas.1"]
    assert page["same"] and ["first seen in", "meas.0"] in [
        pair for _, pairs in page["record"] for pair in pairs
    ]


def test_the_best_path_is_marked() -> None:
    rows = page_facts(offline_record(), "finished")["attempts"]
    assert [row["id"] for row in rows if row["path"]] == ["offl.0", "offl.1"]
    assert [row["id"] for row in rows if row["best"]] == ["offl.1"]
    assert [row["tone"] for row in rows] == ["good", "good", "bad", "bad", "quiet"]


def test_an_attempts_page_tells_why_it_failed_and_what_it_broke() -> None:
    found = pages(offline_record())
    assert found["offl.2"]["reason"] == "truncated: the reply stops inside its code block"
    assert found["offl.3"]["reason"].startswith(r"nominal is wrong \x1b[2J")
    assert ["broken promise", "it changed a grid"] in found["offl.4"]["notes"]
    assert ["warning", "bubblewrap is not usable here"] in found["offl.4"]["notes"]
    assert found["offl.3"]["mends"] == "offl.2"


def test_an_attempts_page_holds_hashes_model_and_tokens() -> None:
    record = measured_record()
    told = {name: value for _, pairs in pages(record)["meas.1"]["record"] for name, value in pairs}
    assert told["model"] == "m-1" and told["prompt tokens"] == "4,000" and told["latency"] == "31.0 s"
    assert told["kernel SHA-256"] == record.attempts[1].kernel_sha
    assert told["template SHA-256"] == "ab" * 32


def test_a_page_has_another_key_once_there_is_more_to_tell() -> None:
    done = offline_record().attempts[1]
    asked = done.model_copy(update={"evaluation": None, "decision": None, "kernel_sha": None})
    judged = done.model_copy(update={"decision": None})
    assert len({page_key(asked), page_key(judged), page_key(done)}) == 3
    assert page_key(done) == page_key(offline_record().attempts[1])


def test_diffs_are_against_the_parent_and_only_where_both_have_code() -> None:
    record = offline_record()
    found, texts = pages(record), page_texts(record, STORED.__getitem__)
    assert "diff" not in found["offl.0"]["texts"] and "diff" not in found["offl.2"]["texts"]
    diff = texts[found["offl.1"]["texts"]["diff"]]()
    assert diff.startswith("--- offl.0.py\n+++ offl.1.py\n") and "-GRID = 16\n+GRID = 4096\n" in diff


def test_replies_and_kernels_are_shown_as_they_are_but_for_what_steers() -> None:
    record = offline_record()
    found, texts = pages(record), page_texts(record, STORED.__getitem__)
    assert texts[found["offl.0"]["texts"]["code"]]() == SEED
    assert "[bold red]not markup[/]" in texts[found["offl.2"]["texts"]["reply"]]() != HOSTILE
    assert r"\x1b[2J" in texts[found["offl.3"]["texts"]["code"]]() != BAD


def test_why_a_campaign_stands_still_and_what_goes_on() -> None:
    facts = page_facts(measured_record(), "paused")
    assert (
        facts["stop"][0].startswith("paused: the budget") and "kernelwright resume meas" in facts["stop"][1]
    )
    assert "its process is gone" in page_facts(offline_record(), "stopped")["stop"][0]
    assert page_facts(offline_record(), "finished")["stop"] == []
    assert page_facts(offline_record(), "running")["campaign"]["running"]


def test_a_campaign_without_an_attempt_has_a_page() -> None:
    record = Record(campaign=offline_record().campaign.model_copy(update={"session": None}), attempts=[])
    facts = page_facts(record, "running")
    assert facts["attempts"] == [] and facts["best"]["id"] is None
    assert page_texts(record, STORED.__getitem__) == {}


def test_what_came_with_a_file_is_said_to_be_unverified_and_what_came_later_is_not() -> None:
    record = measured_record()
    record.campaign.imported = 1
    first, second = pages(record).values()
    assert "and was not verified here" in first["headline"]
    assert "verified" not in second["headline"]
    assert page_facts(record, "paused")["campaign"]["standing"] == "paused, imported"
    record.campaign.imported = None
    assert "verified" not in next(iter(pages(record).values()))["headline"]


def test_the_stages_add_up_to_what_the_head_says() -> None:
    record = offline_record()
    facts = page_facts(record, "finished")
    *rows, whole = facts["stages"]["rows"]
    assert facts["campaign"]["used"].startswith(f"{whole['attempts']} attempts, ")
    assert facts["campaign"]["used"].endswith(whole["time"])
    for column in ("attempts", "no proposal", "kept"):
        assert sum(int(row[column] or 0) for row in rows) == int(whole[column] or 0)
