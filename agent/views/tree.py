"""The lineage of a campaign, stage by stage, with the best path marked."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Attempt, Record, StageEnd
from .attempt import gain, state_text
from .lineage import attempt_json, lineage, outcome, where
from .text import one_line, time_of

MARK = "●"


def tree(record: Record) -> RenderableType:
    """Every attempt in order under its stage; ``●`` marks the way from the seed to the best."""
    path = {attempt.id for attempt in lineage(record, record.best)}
    ends = {end.stage: end for end in record.campaign.stage_ends}
    parts: list[RenderableType] = [_title(record)]
    shown: set[str] = set()
    for stage, attempts in groupby(record.attempts, key=lambda a: a.stage):
        if stage is not None:
            parts += _skipped(record, before=stage, shown=shown)
            parts.append(_heading(stage, ends.get(stage)))
            shown.add(stage)
        parts.append(_rows(list(attempts), path, record))
    parts += _skipped(record, before=None, shown=shown)
    parts.append(Text(f"{MARK} the way to the best", style="dim"))
    return Group(*parts)


def _title(record: Record) -> Text:
    settings = record.campaign.settings
    line = Text(record.campaign.id, style="bold")
    line.append(
        f"  {one_line(settings.task)} for the {settings.target}, {settings.provider}", style="default"
    )
    return line.append(f", {record.campaign.status.value}", style="dim")


def _heading(stage: str, end: StageEnd | None) -> Text:
    line = Text(one_line(stage), style="bold")
    return line.append(f"  {end.outcome}: {one_line(end.reason)}", style="dim") if end else line


def _skipped(record: Record, before: str | None, shown: set[str]) -> list[RenderableType]:
    """Headings of the stages that were skipped ahead of `before` and have no attempts."""
    plan = record.campaign.settings.stages
    upto = plan[: plan.index(before)] if before in plan else plan if before is None else []
    ends = {end.stage: end for end in record.campaign.stage_ends}
    fresh = [stage for stage in upto if stage in ends and stage not in shown]
    shown.update(fresh)
    return [_heading(stage, ends[stage]) for stage in fresh]


def _rows(attempts: list[Attempt], path: set[str], record: Record) -> Table:
    table = Table.grid(padding=(0, 2), pad_edge=False)
    for column in ("mark", "id", "where", "state", "time", "gain"):
        table.add_column(column, no_wrap=True)
    table.add_column("outcome", overflow="fold")
    best = record.best
    for attempt in attempts:
        mark = MARK if attempt.id in path else ("├" if attempt is not record.attempts[-1] else "└")
        name = Text(attempt.id, style="bold green" if best and attempt.id == best.id else "")
        parent = f"from {attempt.parent.rpartition('.')[2]}" if attempt.parent else ""
        why = outcome(attempt) + (f" (best, {parent})" if best and attempt.id == best.id and parent else "")
        table.add_row(
            Text(mark, style="green" if mark == MARK else "dim"),
            name,
            Text(where(attempt), style="dim"),
            state_text(attempt),
            Text(time_of(attempt.evaluation)),
            Text(gain(attempt)),
            Text(why),
        )
    return table


def tree_json(record: Record) -> dict[str, Any]:
    """The lineage as data."""
    best = record.best
    return {
        "campaign": record.campaign.id,
        "best": best.id if best else None,
        "best_path": [attempt.id for attempt in lineage(record, best)],
        "stage_ends": [end.model_dump(mode="json") for end in record.campaign.stage_ends],
        "attempts": [attempt_json(attempt) for attempt in record.attempts],
    }
