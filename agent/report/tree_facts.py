"""The lineage as the page's tree shows it: stages with their attempts, repairs below what they mend. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ..record import Attempt, AttemptKind, Record
from ..rules.accounts import REMEASURED, StageAccount, accounts
from ..views.text import one_line
from .campaign_facts import worth


def groups(record: Record) -> list[dict[str, Any]]:
    """In the order of the attempts: each stage, what it was worth, and the numbers of its attempts' rows.

    A stage that ended without an attempt has no rows and stands where the plan has it; the seed's group has
    no name.
    """
    known = {account.stage: account for account in accounts(record)}
    found: list[dict[str, Any]] = []
    rows = enumerate(record.attempts)
    for stage, members in groupby(rows, key=lambda row: _stage_of(row[1])):
        found += _untried(known, _ahead(known, stage), found)
        found.append(_group(stage, known.get(stage or ""), [index for index, _ in members]))
    return found + _untried(known, list(known), found)


def levels(record: Record) -> dict[str, int]:
    """How deep each attempt stands below its stage: a repair one deeper than what it mends."""
    depth: dict[str, int] = {}
    for attempt in record.attempts:
        depth[attempt.id] = depth.get(attempt.mends or "", 0) + 1
    return depth


def _stage_of(attempt: Attempt) -> str | None:
    return REMEASURED if attempt.kind is AttemptKind.REMEASURE else attempt.stage


def _group(stage: str | None, account: StageAccount | None, rows: list[int]) -> dict[str, Any]:
    outcome = account.outcome if account else None
    return {
        "stage": one_line(stage) if stage else None,
        "outcome": outcome,
        "reason": one_line(account.reason or "") if account else "",
        "worth": worth(account) if account else "",
        "rows": rows,
    }


def _untried(
    known: dict[str, StageAccount], plan: list[str], found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Those stages of the plan that are over without an attempt and are not shown yet."""
    shown = {group["stage"] for group in found}
    return [
        _group(name, known[name], []) for name in plan if known[name].outcome and one_line(name) not in shown
    ]


def _ahead(known: dict[str, StageAccount], stage: str | None) -> list[str]:
    plan = list(known)
    return plan[: plan.index(stage)] if stage in known else []
