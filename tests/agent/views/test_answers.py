"""An attempt and its answers side by side: honest about what cannot be compared, harmless whatever was said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.answer import Answer
from kernelwright.agent.record import ExtractionFailure, Failure, Record, Reply, Usage
from kernelwright.agent.views.answers import listing, side_by_side
from kernelwright.agent.views.sides import Side, answer_side, answers_json, attempt_side, stat
from kernelwright.agent.views.text import plain
from rich.console import Console, RenderableType
from sample_campaigns import FASTER, HOSTILE, SEED, SLOWER, TEXTS, evaluation, measured, offline_record, sha
from syrupy.assertion import SnapshotAssertion

KNOWN = {sha(text): text for text in TEXTS}
OLD = "measured on NVIDIA H200 and not estimated offline"


def answer(number: int, **fields: Any) -> Answer:
    reply = Reply(
        text="said",
        provider="openai",
        model="m-2-2026",
        parameters={"temperature": 0.2},
        finish_reason="stop",
        usage=Usage(prompt_tokens=4000, completion_tokens=900),
        latency_s=75.0,
    )
    names = {
        "id": f"offl.1@{number}",
        "attempt": "offl.1",
        "number": number,
        "provider": "openai",
        "model": "m-2",
    }
    when = datetime(2025, 3, 4, tzinfo=UTC)
    return Answer.model_validate({**names, "created": when, "prompt_sha": "p", "reply": reply, **fields})


def sides(*answers: Answer, record: Record | None = None) -> tuple[Side, list[Side]]:
    record = record or offline_record()
    attempt = record.attempts[1]
    return attempt_side(record, attempt, KNOWN.__getitem__), [
        answer_side(record, attempt, item, KNOWN.__getitem__) for item in answers
    ]


def printed(*parts: RenderableType) -> list[str]:
    console = Console(width=170, file=None, record=True, quiet=False, color_system=None, markup=False)
    with console.capture() as caught:
        console.print(*parts)
    return [line.rstrip() for line in caught.get().splitlines()]


GOOD = answer(1, kernel_sha=sha(SLOWER), evaluation=evaluation(SLOWER, 0.5))
CUT = answer(2, failure=Failure(kind=ExtractionFailure.TRUNCATED, reason="the reply was cut off"))
MOVED = answer(
    3,
    kernel_sha=sha(FASTER),
    evaluation=evaluation(FASTER, 0.6),
    differences=[OLD],
    again=evaluation(FASTER, 0.62),
)
WAITING = answer(4, kernel_sha=sha(SLOWER))


@pytest.mark.parametrize("shown", [GOOD, CUT, MOVED, WAITING], ids=["good", "cut", "moved", "waiting"])
def test_side_by_side(shown: Answer, snapshot: SnapshotAssertion) -> None:
    own, others = sides(shown)
    assert printed(side_by_side(own, others, offline_record())) == snapshot


def test_listing(snapshot: SnapshotAssertion) -> None:
    own, others = sides(GOOD, CUT, MOVED, WAITING)
    assert printed(listing(own, others, offline_record())) == snapshot


def test_a_measured_gain_has_its_interval_and_its_baseline() -> None:
    shown = answer(1, kernel_sha=sha(FASTER), evaluation=measured(FASTER, 0.5, sha(SEED), 4.0))
    own, others = sides(shown)
    text = "\n".join(printed(side_by_side(own, others, offline_record())))
    assert "8.00× [7.84, 8.16] over offl.0" in text and "NVIDIA H200" in text


def test_what_has_yet_to_be_judged_is_said() -> None:
    own, others = sides(MOVED.model_copy(update={"again": None}))
    text = " ".join(printed(side_by_side(own, others, offline_record())))
    assert f"not comparable: the verdict on offl.1 was {OLD}" in text and "yet to be judged here" in text


def test_nothing_that_was_said_steers_a_terminal() -> None:
    reply = Reply(
        text=HOSTILE,
        provider=HOSTILE,
        model=HOSTILE,
        finish_reason=HOSTILE,
        parameters={HOSTILE: HOSTILE},
    )
    verdict = evaluation(SLOWER, None, status="incorrect", reason=HOSTILE, device=HOSTILE)
    hostile = answer(
        1,
        id=HOSTILE,
        reply=reply,
        model=HOSTILE,
        kernel_sha=sha(SLOWER),
        evaluation=verdict,
        differences=[HOSTILE],
    )
    own, others = sides(hostile)
    for part in (side_by_side(own, others, offline_record()), listing(own, others, offline_record())):
        assert (text := "\n".join(printed(part))) == plain(text)


def test_as_data_nothing_is_rounded_or_lost() -> None:
    data = json.loads(json.dumps(answers_json(*sides(GOOD, CUT, MOVED))))
    good, cut, moved = data["answers"]
    assert good["verdict"]["estimate"]["ms"] == 0.5 and good["asked"] == "openai/m-2"
    assert (good["lines_added"], good["lines_removed"]) == (2, 2) and cut["lines_added"] is None
    assert cut["failure"] == {"kind": "truncated", "reason": "the reply was cut off"}
    assert moved["differences"] == [OLD] and moved["attempt_again"]["estimate"]["ms"] == 0.62


LINES = st.lists(st.sampled_from("abc"), max_size=12).map("\n".join)


@given(before=LINES, after=LINES)
def test_added_less_removed_is_what_the_text_grew_by(before: str, after: str) -> None:
    added, removed = stat(before, after)
    assert added - removed == len(after.splitlines()) - len(before.splitlines())
    assert stat(before, before) == (0, 0)
