"""From an attempt to what the evaluator is asked, and from its verdict to a decision. Pure."""

from __future__ import annotations

from collections.abc import Callable

from kernelwright.evaluator.protocol import Contender, Job, Session
from kernelwright.stages import stages

from . import rules
from .record import Attempt, AttemptKind, Decision, Record

Text = Callable[[str], str]
"""A kernel's source by its SHA-256."""


DEFERRED = "measured in its turn, after what was found offline"


def job(record: Record, session: Session, text: Text, attempt: Attempt) -> Job:
    """The question whether an attempt's kernel is right, and on a card how it fares against the best."""
    settings, measured = record.campaign.settings, session.kind == "cuda"
    best = rules.best(record)
    return Job(
        task=settings.task,
        source=source(text, attempt),
        target=settings.target,
        against=source(text, best) if best and measured else None,
        profile=measured,
        threshold=max(settings.threshold, session.noise_floor or 0.0),
    )


def source(text: Text, attempt: Attempt) -> str:
    """The attempt's kernel; raises ValueError when it has none."""
    if attempt.kernel_sha is None:
        raise ValueError(f"attempt {attempt.id} has no kernel")
    return text(attempt.kernel_sha)


def without_evaluation(record: Record, attempt: Attempt) -> Decision | None:
    """The decision on a kernel that needs no evaluation now; None for one that does."""
    if rules.awaits_card(record, attempt):
        return Decision(accepted=False, reason=DEFERRED)
    twin = rules.is_twin_of(record, attempt)
    if twin is None:
        return None
    return Decision(accepted=False, reason=f"the same kernel as {twin.id}, which was judged already")


def decision(record: Record, session: Session, attempt: Attempt) -> Decision:
    """The rules' decision, against the best that was judged in the same way."""
    provenance = attempt.evaluation.provenance if attempt.evaluation else None
    in_stage = attempt.stage if attempt.kind is not AttemptKind.REMEASURE else None
    return rules.decide(
        attempt,
        rules.best(record, provenance),
        stages()[in_stage] if in_stage else None,
        record.campaign.settings,
        session,
        parent=record.attempt(attempt.parent) if attempt.parent else None,
    )


def contenders(record: Record, session: Session, text: Text) -> list[Contender]:
    """Eager, compile, what the campaign started from, and the best; none offline or without a best."""
    best, seed = rules.best(record), rules.baseline(record)
    if best is None or session.kind != "cuda":
        return []
    ours = {"seed": seed, "best": best} if seed and seed.kernel_sha != best.kernel_sha else {"best": best}
    torch = [Contender(name="eager"), Contender(name="compile")]
    return torch + [Contender(name=name, source=source(text, attempt)) for name, attempt in ours.items()]
