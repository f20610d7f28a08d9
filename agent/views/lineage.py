"""Where an attempt stands: its state in one word, its outcome in one sentence, and the way to the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kernelwright.evaluator.evaluation import Evaluation

from ..judging import DEFERRED
from ..record import Attempt, AttemptKind, Record
from .text import one_line

BRANCH, LAST, PAST, BLANK = "├─ ", "└─ ", "│  ", "   "
"""What guides are drawn with, one for each step down; all as wide."""


def state(attempt: Attempt) -> str:
    """The verdict's status, why the reply held no kernel, or the step that comes next."""
    if attempt.evaluation:
        return attempt.evaluation.status.value
    if attempt.failure:
        return attempt.failure.kind.value
    if attempt.kernel_sha:
        return _unjudged(attempt)
    if attempt.decision and not attempt.reply:
        return "no proposal"
    return "replied" if attempt.reply else "asked" if attempt.prompt_sha else "begun"


def _unjudged(attempt: Attempt) -> str:
    """A kernel without a verdict: none is needed for one that was judged before, or none yet."""
    if attempt.decision is None:
        return "to be judged"
    return "deferred" if attempt.decision.reason == DEFERRED else "duplicate"


def outcome(attempt: Attempt) -> str:
    """Kept or why not, in one sentence."""
    if attempt.decision is None:
        return "its reply is awaited" if state(attempt) == "asked" else "under way"
    decision = attempt.decision
    if state(attempt) == "no proposal":
        return one_line(decision.reason)
    word = "not kept"
    if decision.accepted:
        word = "kept provisionally" if decision.provisional else "kept"
    return f"{word}: {one_line(decision.reason)}" if decision.reason else word


def where(attempt: Attempt) -> str:
    """Stage and round, or what the attempt is when it has no stage: ``block_tiling 2``, ``seed``."""
    if attempt.stage is None:
        return attempt.kind.value
    mark = " repair" if attempt.kind is AttemptKind.REPAIR else ""
    again = " remeasured" if attempt.kind is AttemptKind.REMEASURE else ""
    return (
        f"{attempt.stage} {attempt.round}{mark}{again}" if attempt.round else f"{attempt.stage}{mark}{again}"
    )


def step(attempt: Attempt) -> str:
    """`where` without the stage, below whose heading it stands: ``round 1``, ``round 1 repair``."""
    if attempt.stage is None or not attempt.round:
        return attempt.kind.value
    kind = "" if attempt.kind is AttemptKind.OPTIMISE else f" {attempt.kind.value}"
    return f"round {attempt.round}{f' sample {attempt.sample + 1}' if attempt.sample else ''}{kind}"


def families(attempts: Sequence[Attempt]) -> list[tuple[Attempt, str]]:
    """Each attempt with the guide that leads to it: a repair stands below what it mends, drawn as a tree.

    Attempts that mend none of these stand in their order, without a guide; last those of a foreign record
    that mend each other in a circle.
    """
    inside = {attempt.id for attempt in attempts}
    repairs: dict[str | None, list[Attempt]] = {}
    for attempt in attempts:
        repairs.setdefault(attempt.mends if attempt.mends in inside else None, []).append(attempt)
    found: list[tuple[Attempt, str]] = []
    waiting = [(attempt, "", "") for attempt in reversed(repairs.pop(None, []))]
    while waiting:
        attempt, guide, below = waiting.pop()
        found.append((attempt, guide))
        own = repairs.pop(attempt.id, [])
        for repair in reversed(own):
            last = repair is own[-1]
            waiting.append((repair, below + (LAST if last else BRANCH), below + (BLANK if last else PAST)))
    return found + [(attempt, "") for left in repairs.values() for attempt in left]


def names(record: Record) -> dict[str, str]:
    """The first attempt with each kernel, by the kernel's SHA-256."""
    return {attempt.kernel_sha: attempt.id for attempt in reversed(record.attempts) if attempt.kernel_sha}


def lineage(record: Record, last: Attempt | None) -> list[Attempt]:
    """The attempts from the seed to `last`, each the parent of the next."""
    known = {attempt.id: attempt for attempt in record.attempts}
    path: dict[str, Attempt] = {}
    while last is not None and last.id not in path:
        path[last.id] = last
        last = known.get(last.parent) if last.parent else None
    return list(reversed(path.values()))


def seed(record: Record) -> Attempt | None:
    """The campaign's starting kernel, or None where it began without one."""
    return next((a for a in record.attempts if a.kind is AttemptKind.SEED), None)


def provisional(attempt: Attempt) -> bool:
    """Whether only an estimate speaks for this attempt."""
    evaluation = attempt.evaluation
    return bool(evaluation and evaluation.provenance == "estimated")


def verdict_json(evaluation: Evaluation | None) -> dict[str, Any] | None:
    """Status and time of a verdict, exact, for lists; the whole is in ``show --json``."""
    if evaluation is None:
        return None
    return {
        "status": evaluation.status.value,
        "reason": evaluation.reason,
        "provenance": evaluation.provenance,
        "device": evaluation.device,
        "timing": evaluation.timing.model_dump(mode="json", exclude={"samples"})
        if evaluation.timing
        else None,
        "estimate": evaluation.estimate.model_dump(mode="json") if evaluation.estimate else None,
    }


def attempt_json(attempt: Attempt) -> dict[str, Any]:
    """One attempt for lists."""
    return {
        "id": attempt.id,
        "parent": attempt.parent,
        "kind": attempt.kind.value,
        "stage": attempt.stage,
        "round": attempt.round,
        "sample": attempt.sample,
        "kernel": attempt.kernel_sha,
        "state": state(attempt),
        "failure": attempt.failure.model_dump(mode="json") if attempt.failure else None,
        "verdict": verdict_json(attempt.evaluation),
        "decision": attempt.decision.model_dump(mode="json") if attempt.decision else None,
        "seconds": attempt.seconds,
    }
