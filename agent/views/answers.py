"""An attempt and what other models said to its prompt, as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Record
from .lineage import names
from .sides import Side
from .text import one_line, plain, seconds, speedup, time_of


def side_by_side(own: Side, answers: Sequence[Side], record: Record) -> RenderableType:
    """A column for the attempt, one for its kernel judged again here if it was, one for each answer."""
    known = names(record)
    columns = [own, *_again(own, answers), *answers]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for column in columns:
        table.add_column(Text(one_line(column.name)), overflow="fold", max_width=48)
    for title, cell in _ROWS.items():
        table.add_row(Text(title, style="dim"), *(Text(cell(column, known)) for column in columns))
    notes = [Text(note, style="yellow") for note in comparability(own, answers)]
    read = [Text(f"  {plain(side.read)}") for side in (own, *answers) if side.reply or side.kernel]
    return Group(table, *notes, *([Text(), Text("read", style="dim"), *read] if read else []))


def _again(own: Side, answers: Sequence[Side]) -> list[Side]:
    """The attempt's kernel as it was judged beside the latest answer that took it."""
    found = [side.again for side in answers if side.again]
    if not found:
        return []
    return [replace(own, name=f"{own.name} judged again", reply=None, verdict=found[-1])]


def comparability(own: Side, answers: Sequence[Side]) -> list[str]:
    """A sentence for each set of reasons for which the stored verdict says nothing here."""
    reasons = dict.fromkeys(side.differences for side in answers if side.differences)
    judged = {side.differences: side.again is not None for side in answers}
    return [
        f"not comparable: the verdict on {one_line(own.name)} was {one_line(', '.join(why))}: its kernel "
        + ("was judged again here" if judged[why] else "has yet to be judged here")
        for why in reasons
    ]


def listing(own: Side, answers: Sequence[Side], record: Record) -> RenderableType:
    """A line for the attempt and one for each answer."""
    known = names(record)
    table = Table(box=None, pad_edge=False, header_style="bold")
    titles = ("", "model", "tokens", "latency", "against the parent", "verdict", "time", "gain")
    for title in titles:
        table.add_column(title, justify="right" if title in ("tokens", "latency") else "left")
    for side in (own, *_again(own, answers), *answers):
        cells = [_ROWS[title](side, known) for title in titles[1:]]
        table.add_row(Text(one_line(side.name)), *(Text(one_line(cell, 60)) for cell in cells))
    return Group(table, *(Text(note, style="yellow") for note in comparability(own, answers)))


def _model(side: Side, known: dict[str, str]) -> str:
    if side.reply is None:
        return "—"
    came = f"{side.reply.provider}/{side.reply.model}"
    asked = f", asked as {side.asked}" if side.asked and side.asked != came else ""
    return one_line(came + asked, 100)


def _parameters(side: Side, known: dict[str, str]) -> str:
    given = side.reply.parameters if side.reply else {}
    return one_line(", ".join(f"{name} {value}" for name, value in given.items())) or "—"


def _finish(side: Side, known: dict[str, str]) -> str:
    return one_line(side.reply.finish_reason or "not said", 60) if side.reply else "—"


def _tokens(side: Side, known: dict[str, str]) -> str:
    usage = side.reply.usage if side.reply else None
    if usage is None or not usage.total:
        return "not said" if usage else "—"
    return f"{usage.prompt_tokens or 0:,} + {usage.completion_tokens or 0:,}"


def _latency(side: Side, known: dict[str, str]) -> str:
    took = side.reply.latency_s if side.reply else None
    return "—" if took is None else seconds(took)


def _kernel(side: Side, known: dict[str, str]) -> str:
    if side.failure:
        return f"none: {side.failure.kind.value}"
    if side.kernel is None:
        return "—"
    twin = known.get(side.kernel)
    same = f", the same as {twin}" if twin and twin != side.name.partition(" ")[0] else ""
    return f"{side.kernel[:10]}{same}"


def _diff(side: Side, known: dict[str, str]) -> str:
    if side.changed is None:
        return "—"
    added, removed = side.changed
    return f"+{added} −{removed} lines" if added or removed else "the same source"


def _status(side: Side, known: dict[str, str]) -> str:
    if side.verdict is None:
        return f"none: {side.failure.kind.value}" if side.failure else "not judged" if side.kernel else "—"
    return side.verdict.status.value


def _reason(side: Side, known: dict[str, str]) -> str:
    reason = side.failure.reason if side.failure else side.verdict.reason if side.verdict else None
    return one_line(reason) if reason else "—"


def _time(side: Side, known: dict[str, str]) -> str:
    return time_of(side.verdict)


def _gain(side: Side, known: dict[str, str]) -> str:
    if side.verdict is None or side.verdict.timing is None:
        return "not measured" if side.verdict and side.verdict.estimate else "—"
    return speedup(side.verdict.timing, known)


def _place(side: Side, known: dict[str, str]) -> str:
    if side.verdict is None:
        return "—"
    if side.verdict.provenance == "estimated":
        return f"offline, for the {one_line(side.verdict.target, 40)}"
    return one_line(side.verdict.device, 60)


_ROWS: dict[str, Callable[[Side, dict[str, str]], str]] = {
    "model": _model,
    "parameters": _parameters,
    "finish reason": _finish,
    "tokens": _tokens,
    "latency": _latency,
    "kernel": _kernel,
    "against the parent": _diff,
    "verdict": _status,
    "reason": _reason,
    "time": _time,
    "gain": _gain,
    "judged": _place,
}
