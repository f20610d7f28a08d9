"""An attempt and each answer to its prompt as sides of one comparison: facts, not yet words. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kernelwright.evaluator.evaluation import Evaluation

from ..answer import Answer
from ..answering import parent_source, verdict_on
from ..record import Attempt, Failure, Record, Reply
from .lineage import verdict_json

Source = Callable[[str], str]
"""A kernel's source by its SHA-256."""


@dataclass(frozen=True)
class Side:
    """The attempt or one answer, as far as it came."""

    name: str
    asked: str | None
    """Provider and model as they were asked for; None for the attempt."""
    reply: Reply | None
    failure: Failure | None
    kernel: str | None
    """SHA-256."""
    changed: tuple[int, int] | None
    """Lines added to the parent's kernel and removed from it; None without a kernel or a parent."""
    verdict: Evaluation | None
    differences: tuple[str, ...]
    """Why the attempt's stored verdict cannot be compared with this one."""
    again: Evaluation | None
    """The attempt's kernel, judged where this one was."""
    read: str
    """The command that prints its kernel, or the reply that holds none."""


def attempt_side(record: Record, attempt: Attempt, text: Source, option: str = "") -> Side:
    """The attempt itself; `option` goes with each command."""
    return Side(
        name=attempt.id,
        asked=None,
        reply=attempt.reply,
        failure=attempt.failure,
        kernel=attempt.kernel_sha,
        changed=_changed(record, attempt, attempt.kernel_sha, text),
        verdict=verdict_on(record, attempt),
        differences=(),
        again=None,
        read=f"kernelwright show {attempt.id} {_artefact(attempt)}{option}",
    )


def answer_side(record: Record, attempt: Attempt, answer: Answer, text: Source, option: str = "") -> Side:
    """One answer to it."""
    return Side(
        name=answer.id,
        asked=f"{answer.provider}/{answer.model}",
        reply=answer.reply,
        failure=answer.failure,
        kernel=answer.kernel_sha,
        changed=_changed(record, attempt, answer.kernel_sha, text),
        verdict=answer.evaluation,
        differences=tuple(answer.differences),
        again=answer.again,
        read=f"kernelwright ask {answer.id} {_artefact(answer)}{option}",
    )


def _artefact(side: Attempt | Answer) -> str:
    return "--code" if side.kernel_sha else "--reply"


def _changed(record: Record, attempt: Attempt, kernel: str | None, text: Source) -> tuple[int, int] | None:
    parent = parent_source(record, text, attempt)
    return stat(parent, text(kernel)) if parent is not None and kernel else None


def stat(before: str, after: str) -> tuple[int, int]:
    """How many lines were added and removed."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines())
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return sum(to - at for *_, at, to in changes), sum(to - at for _, at, to, *_ in changes)


def answers_json(own: Side, answers: Sequence[Side]) -> dict[str, Any]:
    """All of it, exact; the replies' texts are in ``ask ANSWER --reply``."""
    return {"attempt": side_json(own), "answers": [side_json(side) for side in answers]}


def side_json(side: Side) -> dict[str, Any]:
    """One side as data."""
    added, removed = side.changed or (None, None)
    return {
        "id": side.name,
        "asked": side.asked,
        "reply": side.reply.model_dump(mode="json", exclude={"text"}) if side.reply else None,
        "failure": side.failure.model_dump(mode="json") if side.failure else None,
        "kernel": side.kernel,
        "lines_added": added,
        "lines_removed": removed,
        "verdict": verdict_json(side.verdict),
        "differences": list(side.differences),
        "attempt_again": verdict_json(side.again),
    }
