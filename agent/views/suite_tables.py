"""The table of ``bench`` in its forms: a row per task, and where that does not fit a line per contender."""

from __future__ import annotations

from collections.abc import Sequence

from kernelwright.evaluator.evaluation import Status
from rich.table import Table
from rich.text import Text

from ..suite.rows import Entry, Name, Row
from .text import estimate, interval, milliseconds, one_line, times

_BAD = "bold red"
_DASH = Text("—", style="dim")
_OURS: tuple[Name, ...] = ("compile", "seed", "best")
_KERNELS: tuple[Name, ...] = ("seed", "best")


def measured(rows: Sequence[Row]) -> Table:
    """A row per task: floor and times, speedups over eager with their intervals, part of the floor reached."""
    table = _table("\n\ntask", "\nfloor\nms", *(f"\n{name}\nms" for name in ("eager", *_OURS)))
    for quantity in ("\n{}\nover eager", "{}\nof\nfloor"):
        for name in _OURS:
            _column(table, quantity.format(name))
    for row in rows:
        ours = [row.entry(name) for name in _OURS]
        ms = [_ms(entry) for entry in (row.entry("eager"), *ours)]
        gains = [Text(speedup(entry)) or _word(row, entry) for entry in ours]
        table.add_row(_name(row), _floor(row), *ms, *gains, *(Text(share(entry)) or _DASH for entry in ours))
    return table


def measured_lines(rows: Sequence[Row]) -> Table:
    """The same with a line per contender."""
    table = _table("task", "contender", "time", "over eager, 95 %", "of floor")
    for row in rows:
        table.add_row(_name(row), "floor", _floor(row, " ms"))
        for entry in row.contenders:
            time = _ms(entry, " ms") if entry.median_ms is not None else _word(row, entry)
            table.add_row("", entry.name, time, speedup(entry), share(entry))
    return table


def estimated(rows: Sequence[Row]) -> Table:
    """A row per task: the floor, and each kernel's verdict with its estimate."""
    table = _table("task", "floor", *_KERNELS)
    for row in rows:
        table.add_row(_name(row), _floor(row, " ms"), *(_verdict(row, row.entry(name)) for name in _KERNELS))
    return table


def estimated_lines(rows: Sequence[Row]) -> Table:
    """The same with a line per kernel."""
    table = _table("task", "contender", "time")
    for row in rows:
        table.add_row(_name(row), "floor", _floor(row, " ms"))
        for name in _KERNELS:
            table.add_row("", name, _verdict(row, row.entry(name)))
    return table


def speedup(entry: Entry) -> str:
    """``39.9× [39.8, 40.0]``; nothing for eager itself, and where there is none."""
    if entry.speedup is None or entry.name == "eager":
        return ""
    return (
        f"{times(entry.speedup)} {interval(*entry.speedup_ci95)}"
        if entry.speedup_ci95
        else times(entry.speedup)
    )


def share(entry: Entry) -> str:
    """``57 %`` of the floor, or nothing."""
    if entry.fraction_of_floor is None:
        return ""
    percent = 100 * entry.fraction_of_floor
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        _column(table, column)
    return table


def _column(table: Table, name: str) -> None:
    words = name.split() == ["task"] or name == "contender"
    table.add_column(name, justify="left" if words else "right", no_wrap=True)


def _name(row: Row) -> Text:
    return Text(one_line(row.name, 60), style="bold")


def _floor(row: Row, unit: str = "") -> Text:
    return Text(_number(row.floor_ms, unit)) if row.floor_ms is not None else _DASH


def _number(ms: float, unit: str) -> str:
    return milliseconds(ms).removesuffix(" ms") + unit


def _ms(entry: Entry, unit: str = "") -> Text:
    return Text(_number(entry.median_ms, unit)) if entry.median_ms is not None else _DASH


def _word(row: Row, entry: Entry) -> Text:
    """Why there is no time, in a word; the notes below the table say more."""
    if entry.failed:
        return Text(str(entry.status), style=_BAD)
    if row.failure is not None:
        return Text("failed", style=_BAD)
    if entry.name in _KERNELS and entry.kernel is None:
        return Text("none", style="dim")
    return Text("not timed", style="yellow") if row.place.measured else _DASH


def _verdict(row: Row, entry: Entry) -> Text:
    """``passed, 2.04 ms est. (1.36–3.06)``."""
    if entry.status is None:
        return _word(row, entry)
    known = f", {estimate(entry.estimate)}" if entry.estimate else ""
    return Text(f"{entry.status}{known}", style="" if entry.status is Status.PASSED else _BAD)
