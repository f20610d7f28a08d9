"""What an answer is asked by, judged by and compared with: pure rules on records."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent.answering import differences, job, request, verdict_on
from kernelwright.agent.record import Attempt, Budget, Campaign, Record
from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.protocol import Session
from loop_world import attempt, evaluation, session, settings, sha

TEXTS = {sha(text): text for text in ("seed", "best", "mine", "prompt")}


def text(name: str) -> str:
    return TEXTS[name]


def record(*attempts: Attempt, **changes: object) -> Record:
    campaign = Campaign(
        id="abcd", created=datetime.now(UTC), settings=settings(None, **changes), budget=Budget()
    )
    return Record(campaign=campaign, attempts=list(attempts))


def measured(kernel: str, against: str) -> Evaluation:
    return evaluation(2.0, kernel=kernel, against=(against, 8.0))


SEED = attempt(0, evaluation(8.0, kernel=sha("seed")))
MINE = attempt(1, evaluation(2.0, kernel=sha("mine")), prompt_sha=sha("prompt"))


def test_the_question_is_the_stored_prompt_about_the_parents_kernel() -> None:
    asked = request(record(SEED, MINE), text, MINE, "some/model", 2)
    assert (asked.prompt, asked.prompt_sha, asked.parent_source) == ("prompt", sha("prompt"), "seed")
    assert (asked.attempt, asked.sample, asked.answered) == ("abcd.1.some/model.3", 2, 2)
    assert asked.stage.name == "block_tiling"
    for nothing in (SEED, MINE.model_copy(update={"prompt_sha": None})):
        with pytest.raises(ValueError, match="asked nothing"):
            request(record(SEED, MINE), text, nothing, "m", 0)


@pytest.mark.parametrize(
    ("baseline", "against"), [(sha("best"), "best"), (sha("seed"), "seed"), ("eager", None), (None, "seed")]
)
def test_on_a_card_the_baseline_is_the_attempts_own(baseline: str | None, against: str | None) -> None:
    verdict = measured(sha("mine"), baseline) if baseline else evaluation(2.0, kernel=sha("mine"))
    mine = MINE.model_copy(update={"evaluation": verdict})
    made = job(record(SEED, mine, threshold=0.07), session("cuda"), text, mine, "theirs")
    assert (made.source, made.against, made.profile, made.threshold) == ("theirs", against, True, 0.07)
    offline = job(record(SEED, mine), session(), text, mine, "theirs")
    assert (offline.against, offline.profile) == (None, False)


def test_a_first_kernel_is_timed_against_pytorch() -> None:
    first = MINE.model_copy(update={"parent": None, "evaluation": None})
    assert job(record(first), session("cuda"), text, first, "theirs").against is None
    assert request(record(first), text, first, "m", 0).parent_source is None


def test_a_twins_verdict_is_the_attempts_own() -> None:
    twin = attempt(2, kernel_sha=sha("mine"))
    assert verdict_on(record(SEED, MINE, twin), twin) == MINE.evaluation
    assert verdict_on(record(SEED, MINE, twin), SEED) == SEED.evaluation
    assert verdict_on(record(SEED), attempt(3, kernel_sha=sha("best"))) is None
    assert verdict_on(record(SEED, MINE), attempt(3)) is None


def with_versions(model: Evaluation | Session, **versions: str) -> Evaluation | Session:
    return model.model_copy(update={"environment": versions})


@pytest.mark.parametrize(
    ("verdict", "here", "expected"),
    [
        (measured("k", "eager"), session("cuda"), []),
        (evaluation(2.0), session(), []),
        (measured("k", "eager"), session(), ["measured on NVIDIA H200 and not estimated offline"]),
        (evaluation(2.0), session("cuda"), ["estimated offline and not measured on NVIDIA H200"]),
        (
            measured("k", "eager").model_copy(update={"device": "NVIDIA A100"}),
            session("cuda"),
            ["measured on NVIDIA A100 and not measured on NVIDIA H200"],
        ),
        (
            with_versions(evaluation(2.0), torch="2.11", triton="3.6", python="3.11"),
            with_versions(session(), torch="2.13", triton="3.6", python="3.12"),
            ["with torch 2.11 and not 2.13"],
        ),
        (with_versions(evaluation(2.0), torch="2.11"), session(), []),
    ],
    ids=["card", "offline", "card_then_none", "none_then_card", "other_card", "other_torch", "unknown"],
)
def test_only_verdicts_of_one_ground_are_compared(
    verdict: Evaluation, here: Session, expected: list[str]
) -> None:
    assert differences(verdict, here) == expected
