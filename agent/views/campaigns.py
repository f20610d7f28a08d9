"""The list of a store's campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from ..record import Record
from .lineage import attempt_json, names, provisional
from .text import NOBODY, one_line, speedup, time_of

WIDTHS = {"campaign": 8, "status": 8, "target": 8, "task": 10}
"""Least widths, where a narrow terminal would cut an id or a name."""


def campaigns(records: list[Record], standings: Mapping[str, str] = NOBODY) -> Table:
    """One row each, newest last; ``standings`` says how a campaign stands, by its id, where that is not stored."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("campaign", "started", "task", "target", "provider", "status", "attempts", "best"):
        # What names a campaign is never broken within a word; the best's line wraps between words.
        table.add_column(
            name,
            justify="right" if name == "attempts" else "left",
            overflow="ellipsis",
            no_wrap=name in ("campaign", "task", "target", "provider", "status"),
            min_width=WIDTHS.get(name),
        )
    for record in records:
        campaign, settings = record.campaign, record.campaign.settings
        table.add_row(
            Text(campaign.id, style="bold"),
            f"{campaign.created:%Y-%m-%d %H:%M}",
            Text(one_line(settings.task)),
            settings.target,
            Text(
                one_line(
                    settings.provider if settings.model is None else f"{settings.provider}/{settings.model}"
                )
            ),
            standings.get(campaign.id, campaign.status.value),
            str(len(record.attempts)),
            Text(_best(record)),
        )
    return table


def _best(record: Record) -> str:
    best = record.best
    if best is None or best.evaluation is None:
        return "none yet"
    if provisional(best):
        return f"{time_of(best.evaluation)}, provisional"
    timing = best.evaluation.timing
    return (
        f"{time_of(best.evaluation)}, {speedup(timing, names(record))}"
        if timing
        else time_of(best.evaluation)
    )


def campaigns_json(records: list[Record], standings: Mapping[str, str] = NOBODY) -> list[dict[str, Any]]:
    """The list as data."""
    return [
        {
            "campaign": record.campaign.id,
            "created": record.campaign.created.isoformat(),
            "task": record.campaign.settings.task,
            "target": record.campaign.settings.target,
            "device": record.campaign.settings.device,
            "provider": record.campaign.settings.provider,
            "model": record.campaign.settings.model,
            "status": standings.get(record.campaign.id, record.campaign.status.value),
            "attempts": len(record.attempts),
            "best": attempt_json(record.best) if record.best else None,
        }
        for record in records
    ]
