"""The stage that makes a first kernel: how often it asks, and what to do when nothing has passed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kernelwright.evaluator.evaluation import Status
from kernelwright.stages import Stage

from ..record import Attempt, Record, Settings
from .lineage import FIRST_KERNEL


def rounds_planned(settings: Settings, stage: Stage) -> int:
    """How many rounds a stage has; a first kernel never fewer than its own, since all else needs it."""
    if stage.name == FIRST_KERNEL:
        return max(settings.rounds or 0, stage.rounds)
    return settings.rounds or stage.rounds


def rounds_allowed(record: Record, stage: Stage, tried: Sequence[Attempt]) -> int:
    """As planned, but behind a first kernel that may well be right only as many as ``--rounds`` asks for."""
    if stage.name == FIRST_KERNEL and undecided(record, tried) is not None:
        return max(record.campaign.settings.rounds or 0, tried[-1].round)
    return rounds_planned(record.campaign.settings, stage)


def undecided(record: Record, tried: Sequence[Attempt]) -> Attempt | None:
    """The latest kernel that only a card can judge, and none has; None when there is none."""
    measured = {
        a.kernel_sha for a in record.attempts if a.evaluation and a.evaluation.provenance == "measured"
    }
    waiting = [a for a in tried if a.evaluation and a.evaluation.status is Status.UNCHECKED]
    return next((a for a in reversed(waiting) if a.kernel_sha not in measured), None)


def why_none(record: Record, tried: Sequence[Attempt]) -> str:
    """One sentence on why there is no first kernel after all these attempts."""
    waiting = undecided(record, tried)
    if waiting is not None and waiting.evaluation is not None:
        return (
            f"the first kernel {waiting.id} is unchecked offline ({waiting.evaluation.reason}):"
            " a card must decide on it, or raise --rounds to ask for another"
        )
    last, rounds = tried[-1], tried[-1].round
    reason = last.decision.reason.partition("\n")[0] if last.decision else "under way"
    return (
        f"no first kernel passed in {rounds} round{'s' if rounds > 1 else ''} of {len(tried)} replies in all;"
        f" the last one, {last.id}, was refused ({reason}): raise --rounds to go on asking"
    )


def way_on_from(record: Record, tried: Sequence[Attempt], stage: Stage) -> str:
    """The option with which a resume gets beyond a missing first kernel."""
    return "--device cuda" if undecided(record, tried) else f"--rounds {tried[-1].round + stage.rounds}"
