"""The lineage of a campaign, stage by stage, with the best path marked."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Attempt, AttemptKind, Record
from ..rules.accounts import REMEASURED, StageAccount, accounts
from .attempt import gain, state_text, verdict_on
from .lineage import attempt_json, lineage, names, step
from .summary import resume_command
from .text import one_line, plural, time_of, times

MARK = "●"
WIDTHS = (1, 8, 14, 13, 10, 0)
"""Least widths of mark, id, step, state, time and gain, so that stages stand under each other."""


def tree(record: Record, standing: str | None = None, option: str = "") -> RenderableType:
    """Every attempt in order under its stage; ``●`` marks the way from the seed to the best.

    ``standing`` says how the campaign stands where that is not stored; ``option`` goes with each command.
    """
    standing = standing or record.campaign.status.value
    worth = {account.stage: account for account in accounts(record)}
    parts: list[RenderableType] = [_title(record, standing), *_stop(record, standing, option)]
    shown: set[str] = set()
    for stage, attempts in groupby(record.attempts, key=_heading_of):
        if stage is not None:
            parts += [_heading(worth[name]) for name in _untried(worth, stage, shown)]
            parts.append(_heading(worth[stage]) if stage in worth else Text(one_line(stage), style="bold"))
            shown.add(stage)
        parts.append(_rows(list(attempts), record))
    parts += [_heading(worth[name]) for name in _untried(worth, None, shown)]
    return Group(*parts, Text(f"{MARK} the way to the best", style="dim"))


def _heading_of(attempt: Attempt) -> str | None:
    return REMEASURED if attempt.kind is AttemptKind.REMEASURE else attempt.stage


def _title(record: Record, standing: str) -> Text:
    settings = record.campaign.settings
    line = Text(record.campaign.id, style="bold")
    line.append(
        f"  {one_line(settings.task)} for the {settings.target}, {settings.provider}", style="default"
    )
    return line.append(f", {standing}", style="dim")


def _stop(record: Record, standing: str, option: str) -> list[Text]:
    """Why it does not go on, and the command that makes it."""
    why = record.campaign.pause_reason
    if standing == "stopped":
        why = "its process is gone; everything up to there is stored"
    if why is None:
        return []
    hint = f"`{resume_command(record, option)}` goes on"
    return [Text(f"{standing}: {one_line(why)}", style="yellow"), Text(hint, style="dim")]


def _heading(account: StageAccount) -> Text:
    line = Text(one_line(account.stage), style="bold")
    facts = [f"{account.outcome}: {one_line(account.reason or '')}"] if account.outcome else []
    if account.gain is not None:
        # An estimate claims no speedup: it says by what the estimated time fell.
        gain = (
            f"estimated time ÷ {account.gain:.3g}" if account.provisional else f"gain {times(account.gain)}"
        )
        facts.append(gain + (", provisional" if account.provisional else ""))
    if account.tokens:
        facts.append(plural(account.tokens, "token"))
    return line.append("  " + " · ".join(facts), style="dim") if facts else line


def _untried(worth: dict[str, StageAccount], before: str | None, shown: set[str]) -> list[str]:
    """Stages that are over without an attempt and stand ahead of `before` in the plan."""
    names = list(worth)
    upto = names[: names.index(before)] if before in worth else names if before is None else []
    fresh = [name for name in upto if worth[name].outcome and name not in shown]
    shown.update(fresh)
    return fresh


def _rows(attempts: list[Attempt], record: Record) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=False)
    for width in WIDTHS:
        table.add_column(min_width=width, no_wrap=True)
    table.add_column(overflow="fold")
    best, known = record.best, names(record)
    path = {attempt.id for attempt in lineage(record, best)}
    for attempt in attempts:
        is_best = best is not None and attempt.id == best.id
        table.add_row(
            Text(MARK, style="green") if attempt.id in path else Text("·", style="dim"),
            Text(attempt.id, style="bold green" if is_best else ""),
            Text(step(attempt), style="dim"),
            state_text(attempt),
            Text(time_of(attempt.evaluation)),
            Text(gain(attempt, known)),
            Text(verdict_on(attempt) + (" — the best" if is_best else "") + _promises(attempt)),
        )
    return table


def _promises(attempt: Attempt) -> str:
    broken = attempt.decision.broken_promises if attempt.decision else []
    return "".join(f"; broken promise: {one_line(promise)}" for promise in broken)


def tree_json(record: Record) -> dict[str, Any]:
    """The lineage as data."""
    best = record.best
    return {
        "campaign": record.campaign.id,
        "best": best.id if best else None,
        "best_path": [attempt.id for attempt in lineage(record, best)],
        "stages": [account.model_dump(mode="json") for account in accounts(record)],
        "attempts": [attempt_json(attempt) for attempt in record.attempts],
    }
