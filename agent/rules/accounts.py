"""What each stage cost and what it was worth, and the whole campaign."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pydantic import BaseModel, ConfigDict

from ..record import Attempt, AttemptKind, Record, StageEnd
from .budget import usd
from .lineage import plan

REMEASURED = "remeasure"
"""Name of the account of finds that a card decided."""
SEED = "seed"
BETWEEN = "between attempts"
"""Name of the account of the time that no attempt took: starting, waiting, the final head to head."""
TOTAL = "total"


class StageAccount(BaseModel):
    """One row: a stage, the measuring of offline finds, the time between attempts, the seed, or all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    stage: str
    attempts: int
    """All of them, also those for which the provider had no proposal."""
    no_proposal: int = 0
    """How many of them those are."""
    kept: int
    gain: float | None
    """Product of the speedups that were kept, each over the best before it; None when nothing was."""
    provisional: bool
    """Whether the gain rests on estimates."""
    tokens: int
    seconds: float
    outcome: str | None
    """``finished``, ``plateau`` or ``skipped``; None while it is under way or not begun."""
    reason: str | None
    usd: float | None = None
    """None without a price of tokens."""


def accounts(record: Record) -> list[StageAccount]:
    """One account for each stage of the plan in its order, then what a card decided and the time between attempts."""
    ends = {end.stage: end for end in record.campaign.stage_ends}
    names = dict.fromkeys([*plan(record), *_stages(record), *ends])
    rows = [_account(name, _of_stage(record, name), record, ends.get(name)) for name in names]
    remeasured = [a for a in record.attempts if a.kind is AttemptKind.REMEASURE]
    if remeasured:
        rows.append(_account(REMEASURED, remeasured, record, None))
    return [*rows, *_between(record)]


def seed_account(record: Record) -> StageAccount | None:
    """What judging the seed took; None where the campaign began without one."""
    seeds = [a for a in record.attempts if a.kind is AttemptKind.SEED]
    return _account(SEED, seeds, record, None) if seeds else None


def total(record: Record) -> StageAccount:
    """Everything, the seed included.

    Its gain multiplies those of the stages that were measured; where none was, those of the estimates.
    """
    seed = seed_account(record)
    rows = [*([seed] if seed else []), *accounts(record)]
    gained = [row for row in rows if row.gain is not None]
    told = [row for row in gained if not row.provisional] or gained
    return _account(TOTAL, record.attempts, record, None).model_copy(
        update={
            "seconds": sum(row.seconds for row in rows),
            "gain": prod(row.gain or 1.0 for row in told) if told else None,
            "provisional": any(row.provisional for row in told),
        }
    )


def _between(record: Record) -> list[StageAccount]:
    """The rest of the campaign's time, where it is enough to be shown."""
    rest = record.campaign.seconds - sum(a.seconds for a in record.attempts)
    account = _account(BETWEEN, [], record, None).model_copy(update={"seconds": rest})
    return [account] if rest >= 0.05 else []


def _stages(record: Record) -> list[str]:
    return [a.stage for a in record.attempts if a.stage and a.kind is not AttemptKind.REMEASURE]


def _of_stage(record: Record, stage: str) -> list[Attempt]:
    return [a for a in record.attempts if a.stage == stage and a.kind is not AttemptKind.REMEASURE]


def _account(name: str, attempts: Sequence[Attempt], record: Record, end: StageEnd | None) -> StageAccount:
    kept = [a for a in attempts if a.decision and a.decision.accepted]
    return StageAccount(
        stage=name,
        attempts=len(attempts),
        no_proposal=sum(1 for a in attempts if a.done and not (a.reply or a.kernel_sha or a.evaluation)),
        kept=len(kept),
        gain=_gain(record, kept),
        provisional=any(a.decision.provisional for a in kept if a.decision),
        tokens=sum(a.reply.usage.total for a in attempts if a.reply),
        usd=usd((a.reply for a in attempts if a.reply), record.campaign.settings.usd_per_million),
        seconds=sum(a.seconds for a in attempts),
        outcome=end.outcome if end else None,
        reason=end.reason if end else None,
    )


def _gain(record: Record, kept: Sequence[Attempt]) -> float | None:
    gain: float | None = None
    for attempt in kept:
        step = _speedup(record, attempt)
        if step is not None:
            gain = (gain or 1.0) * step
    return gain


def _speedup(record: Record, attempt: Attempt) -> float | None:
    """Over the best before it: measured in its own pairs, or the ratio of the two estimates."""
    evaluation = attempt.evaluation
    before = next(
        (a for a in reversed(record.attempts[: attempt.number]) if a.decision and a.decision.accepted), None
    )
    if evaluation is None or before is None or before.evaluation is None:
        return None
    if evaluation.timing is not None:
        return evaluation.timing.speedup if evaluation.timing.baseline == before.kernel_sha else None
    if evaluation.ms is None or before.evaluation.ms is None:
        return None
    return before.evaluation.ms / evaluation.ms
