"""The lineage as the page's tree shows it: stages with their attempts, repairs below what they mend. Pure."""

from __future__ import annotations

from typing import Any

from ..record import Attempt, Record
from ..rules.accounts import StageAccount
from ..views.accounts import worth
from ..views.attempt import gain
from ..views.lineage import BRANCH, families, lineage, names, provisional, state, step
from ..views.text import one_line, plain
from ..views.timing import time_with_interval
from ..views.tree import groups, why
from .texts import page_key
from .tone import tone


def stage_groups(record: Record) -> list[dict[str, Any]]:
    """The terminal's tree: each stage, what came of it, and the places of its attempts in the record.

    A stage that ended without an attempt has no rows; the seed's group has no name.
    """
    place = {attempt.id: index for index, attempt in enumerate(record.attempts)}
    return [
        _group(account, stage, [place[attempt.id] for attempt, _ in families(attempts)])
        for account, stage, attempts in groups(record)
    ]


def _group(account: StageAccount | None, stage: str | None, rows: list[int]) -> dict[str, Any]:
    return {
        "stage": one_line(stage) if stage else None,
        "outcome": account.outcome if account else None,
        "reason": one_line(account.reason or "") if account else "",
        "worth": _worth(account),
        "rows": rows,
    }


def _worth(account: StageAccount | None) -> str:
    """What the stage gained, in words that need no column's heading."""
    if account is None or account.gain is None:
        return ""
    return worth(account).replace("est.", "est. time") if account.provisional else f"gain {worth(account)}"


def attempt_rows(record: Record) -> list[dict[str, Any]]:
    """A row for each attempt, in the record's order."""
    called, depth, above = names(record), levels(record), _above(record)
    path = {attempt.id for attempt in lineage(record, record.best)}
    best = record.best.id if record.best else None
    return [
        {
            **_row(attempt, called, attempt.id == best),
            "from": plain(attempt.parent) if attempt.parent and attempt.parent != above[attempt.id] else None,
            "level": depth[attempt.id],
            "path": attempt.id in path,
            "best": attempt.id == best,
        }
        for attempt in record.attempts
    ]


def _row(attempt: Attempt, called: dict[str, str], best: bool) -> dict[str, Any]:
    return {
        "id": plain(attempt.id),
        "step": one_line(step(attempt)),
        "state": state(attempt),
        "tone": tone(attempt),
        "time": time_with_interval(attempt.evaluation),
        "estimated": provisional(attempt),
        "gain": gain(attempt, called),
        "why": why(attempt, best).plain,
        "kept": bool(attempt.decision and attempt.decision.accepted),
        "page": page_key(attempt),
    }


def levels(record: Record) -> dict[str, int]:
    """How deep each attempt stands below its stage, as the terminal's tree draws it: a repair below what it mends."""
    return {
        attempt.id: 1 + len(guide) // len(BRANCH)
        for _, _, attempts in groups(record)
        for attempt, guide in families(attempts)
    }


def _above(record: Record) -> dict[str, str | None]:
    """The kept attempt that a reader takes for the parent: the nearest one above, over all stages."""
    nearest: str | None = None
    found: dict[str, str | None] = {}
    for _, _, attempts in groups(record):
        for attempt, _ in families(attempts):
            found[attempt.id] = nearest
            if attempt.decision and attempt.decision.accepted:
                nearest = attempt.id
    return found
