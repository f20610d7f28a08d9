"""The list of a store's campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Record
from .fitting import Fitting
from .head_to_head import best_words
from .lineage import attempt_json, provisional
from .place import came_from, elsewhere
from .text import NOBODY, one_line, plural, time_of

COLUMNS = ("campaign", "started", "task", "target", "provider", "status", "attempts", "best")


def campaigns(records: list[Record], standings: Mapping[str, str] = NOBODY) -> RenderableType:
    """One row each, newest last; ``standings`` says how a campaign stands, by its id, where that is not stored.

    Where a row does not fit, each campaign takes a few lines.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in COLUMNS:
        table.add_column(name, justify="right" if name == "attempts" else "left", no_wrap=True)
    blocks: list[RenderableType] = []
    for record in records:
        cells = _cells(record, standings.get(record.campaign.id, record.campaign.status.value))
        table.add_row(Text(cells[0], style="bold"), *map(Text, cells[1:]))
        blocks += _block(*cells)
    return Fitting(table, Group(*blocks))


def _cells(record: Record, standing: str) -> tuple[str, ...]:
    campaign, settings = record.campaign, record.campaign.settings
    provider = settings.provider if settings.model is None else f"{settings.provider}/{settings.model}"
    provider = (
        f"{settings.provider} with {settings.verdicts_of}'s verdicts" if settings.verdicts_of else provider
    )
    started = f"{campaign.created:%Y-%m-%d %H:%M}"
    about = (one_line(settings.task), settings.target, one_line(provider))
    standing += came_from(campaign)
    return campaign.id, started, *about, standing, str(len(record.attempts)), _best(record)


def _block(
    name: str, started: str, task: str, target: str, provider: str, standing: str, attempts: str, best: str
) -> list[Text]:
    return [
        Text(name, style="bold").append(f"  {started}  {standing}", style="default"),
        Text(f"  {task} for the {target}, {provider}, {plural(int(attempts), 'attempt')}"),
        Text(f"  best: {best}"),
    ]


def _best(record: Record) -> str:
    best = record.best
    if best is None or best.evaluation is None:
        return "none yet"
    if provisional(best):
        return f"{time_of(best.evaluation)}, provisional"
    return best_words(record) + elsewhere(record)


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
