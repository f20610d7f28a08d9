"""The lineage of a campaign: stage by stage, with the best path marked and what each stage cost and was worth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from ..record import Attempt, AttemptKind, Record
from ..rules.accounts import REMEASURED, StageAccount, accounts, seed_account, total
from .accounts import accounts_table
from .attempt import gain, state_text, verdict_on
from .head_to_head import contenders, final
from .lineage import attempt_json, families, lineage, names, step
from .place import came_from, elsewhere
from .summary import resume_command
from .text import one_line
from .timing import time_with_interval

MARK = "●"
LEGEND = f"{MARK} the way to the best   ← made from that kernel, not from the one above"
_LEAST_REASON = 44
"""Columns for the reason beside an attempt; with fewer it stands below."""
_MEASURED = re.compile(r"^[\d.]+× over \S+ \(95 % interval [^)]*\): ")
"""How a decision repeats the gain, which stands beside it."""


def tree(record: Record, standing: str | None = None, option: str = "") -> RenderableType:
    """Every attempt in order under its stage; ``●`` marks the way from the seed to the best.

    ``standing`` says how the campaign stands where that is not stored; ``option`` goes with each command.
    """
    standing = standing or record.campaign.status.value
    parts: list[RenderableType] = [_title(record, standing), *_stop(record, standing, option)]
    rows = dict(_rows(record))
    widths = _widths(rows)
    for account, stage, attempts in groups(record):
        if stage is not None:
            parts.append(_heading(account, stage))
        parts += [Line(rows[attempt.id], widths) for attempt, _ in families(attempts)]
    parts += [Text(LEGEND, style="dim"), Text(), accounts_table(record)]
    if final(record, record.best):
        parts += [Text(), contenders(record)]
    return Group(*parts)


def groups(record: Record) -> Iterator[tuple[StageAccount | None, str | None, list[Attempt]]]:
    """Stages in the order of their attempts; one that ended without any stands where the plan has it."""
    known, told = {account.stage: account for account in accounts(record)}, set[str]()

    def untried(plan: Sequence[str]) -> Iterator[tuple[StageAccount | None, str | None, list[Attempt]]]:
        for name in plan:
            if known[name].outcome and name not in told:
                told.add(name)
                yield known[name], name, []

    for stage, attempts in groupby(record.attempts, key=_heading_of):
        if stage in known:
            yield from untried(list(known)[: list(known).index(stage)])
        told.add(stage or "")
        yield known.get(stage or ""), stage, list(attempts)
    yield from untried(list(known))


def _heading_of(attempt: Attempt) -> str | None:
    return REMEASURED if attempt.kind is AttemptKind.REMEASURE else attempt.stage


def _title(record: Record, standing: str) -> Text:
    settings = record.campaign.settings
    line = Text().append(record.campaign.id, style="bold")
    recorded = f" with the verdicts of {one_line(settings.verdicts_of)}" if settings.verdicts_of else ""
    line.append(f"  {one_line(settings.task)} for the {settings.target}{elsewhere(record)}")
    line.append(f", {settings.provider}{recorded}")
    return line.append(f", {standing}{came_from(record.campaign)}", style="dim")


def _stop(record: Record, standing: str, option: str) -> list[Text]:
    """Why it does not go on, and the command that makes it."""
    why = record.campaign.pause_reason
    if standing == "stopped":
        why = "its process is gone; everything up to there is stored"
    if why is None:
        return []
    hint = f"`{resume_command(record, option)}` goes on"
    return [Text(f"{standing}: {one_line(why)}", style="yellow"), Text(hint, style="dim")]


def _heading(account: StageAccount | None, stage: str) -> Text:
    line = Text("\n").append(one_line(stage), style="bold")
    if account is None or account.outcome is None:
        return line
    return line.append(f"  {account.outcome}: {one_line(account.reason or '')}", style="dim")


@dataclass(frozen=True)
class Row:
    """What the tree says of one attempt."""

    mark: Text
    id: Text
    step: Text
    state: Text
    time: Text
    gain: Text
    why: Text

    @property
    def facts(self) -> tuple[Text, ...]:
        """All but the reason."""
        return self.mark, self.id, self.step, self.state, self.time, self.gain


def _rows(record: Record) -> Iterator[tuple[str, Row]]:
    """Each attempt's row by its id, in the order in which they are shown."""
    best, known = record.best, names(record)
    path = {attempt.id for attempt in lineage(record, best)}
    above: str | None = None
    for _, _, attempts in groups(record):
        for attempt, guide in families(attempts):
            is_best = best is not None and attempt.id == best.id
            origin = f" ← {attempt.parent}" if attempt.parent and attempt.parent != above else ""
            yield (
                attempt.id,
                Row(
                    mark=Text(MARK, style="green") if attempt.id in path else Text("·", style="dim"),
                    id=Text()
                    .append(guide, style="dim")
                    .append(attempt.id, style="bold green" if is_best else ""),
                    step=Text(step(attempt) + origin, style="dim"),
                    state=state_text(attempt),
                    time=Text(time_with_interval(attempt.evaluation)),
                    gain=Text(gain(attempt, known)),
                    why=why(attempt, is_best),
                ),
            )
            above = attempt.id


def why(attempt: Attempt, is_best: bool) -> Text:
    """Kept or why not, without the gain, which stands beside it; then the promises that it broke."""
    said = verdict_on(attempt)
    word, colon, reason = said.partition(": ")
    rest = _MEASURED.sub("", reason)
    text = Text().append(word + colon + rest, style="" if word.startswith("kept") else "dim")
    if is_best:
        text.append(" — the best", style="bold green")
    broken = attempt.decision.broken_promises if attempt.decision else []
    for promise in broken:
        text.append(f"; broken promise: {one_line(promise)}", style="yellow")
    return text


def _widths(rows: dict[str, Row]) -> list[int]:
    columns = zip(*(row.facts for row in rows.values()), strict=True)
    return [max(cell_len(cell.plain) for cell in column) for column in columns]


@dataclass(frozen=True)
class Line:
    """One attempt; its time, its gain and the reason stand beside the rest where there is room, else below."""

    row: Row
    widths: list[int]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich calls. No table, since a thousand attempts would be as many tables."""
        *facts, gained = self.row.facts
        needed = sum(self.widths) + 2 * len(self.widths)
        below = Text(" " * (self.widths[0] + self.widths[1] + 4))
        if needed + _LEAST_REASON <= options.max_width:
            yield from _hanging(self._beside(self.row.facts), self.row.why, console, options.max_width)
        elif needed - 2 <= options.max_width:
            yield self._beside(facts).append_text(gained)
            yield from _hanging(below, self.row.why, console, options.max_width)
        else:
            fits = needed - self.widths[-1] - 4 <= options.max_width
            *beside, last = facts if fits else facts[:-1]
            yield self._beside(beside).append_text(last)
            told = (gained, self.row.why) if fits else (facts[-1], gained, self.row.why)
            said = Text(" · ").join(text for text in told if text.plain not in ("", "—"))
            yield from _hanging(below, said, console, options.max_width)

    def _beside(self, cells: Sequence[Text]) -> Text:
        line = Text()
        for cell, width in zip(cells, self.widths, strict=False):
            line.append_text(cell).append(" " * (width - cell_len(cell.plain) + 2))
        return line


def _hanging(head: Text, text: Text, console: Console, width: int) -> Iterator[Text]:
    """The text behind its head, and where it goes on, below its own beginning."""
    indent = cell_len(head.plain)
    for number, line in enumerate(text.wrap(console, max(width - indent, 20), overflow="fold")):
        line.rstrip()
        yield (Text(" " * indent) if number else head.copy()).append_text(line)


def tree_json(record: Record) -> dict[str, Any]:
    """The lineage as data; the seed's account and the total stand beside those of the stages."""
    best, first = record.best, seed_account(record)
    return {
        "campaign": record.campaign.id,
        "best": best.id if best else None,
        "best_path": [attempt.id for attempt in lineage(record, best)],
        "seed": first.model_dump(mode="json") if first else None,
        "stages": [account.model_dump(mode="json") for account in accounts(record)],
        "total": total(record).model_dump(mode="json"),
        "attempts": [attempt_json(attempt) for attempt in record.attempts],
    }
