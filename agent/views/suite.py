"""All tasks in one table: times, speedups and the part of the floor that is reached; what needs a look; figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ..suite.figures import Speedups, figures
from ..suite.naming import named
from ..suite.rows import Entry, Place, Row, Suite, by_place
from .fitting import Fitting
from .suite_tables import estimated, estimated_lines, measured, measured_lines, share, speedup
from .text import estimate, milliseconds, one_line, plural, seconds, times


def suite(rows: Sequence[Row]) -> RenderableType:
    """A table for each place: rows of different cards or versions are not compared."""
    parts: list[RenderableType] = []
    for place, mine in by_place(named(rows)).items():
        views = (measured, measured_lines) if place.measured else (estimated, estimated_lines)
        tables = Fitting(*(view(mine) for view in views))
        parts += [Text(), _head(place, mine), Text(), tables, *_notes(mine), Text()]
        parts += _figures(place, mine) if place.measured else [Text(_ESTIMATES, style="dim")]
    return Group(*parts[1:])


_ESTIMATES = (
    "estimates rank kernels and prove no gain: a card has times, speedups and the floor that is reached"
)


def suite_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Everything as data: the file's own form, and the figures of each place."""
    data = Suite(tasks=list(rows)).model_dump(mode="json", by_alias=True)
    found = [figures(place, mine) for place, mine in by_place(rows).items() if place.measured]
    return {**data, "figures": [one.model_dump(mode="json") for one in found]}


def words(row: Row) -> str:
    """A row on one line, for stderr: ``best 0.209 ms, 39.9× [39.8, 40.0] over eager, 57 % of the floor, 61.2 s``."""
    took = seconds(sum(row.seconds.values()))
    if row.failure is not None:
        return f"failed: {one_line(row.failure)}"
    kernels = [entry for entry in row.contenders[2:] if entry.kernel is not None]
    said = [f"{entry.name} {_outcome(entry)}" for entry in kernels] or ["no kernel"]
    return f"{'; '.join(said)}; {took}"


def _outcome(entry: Entry) -> str:
    if entry.median_ms is not None:
        parts = ((speedup(entry), "over eager"), (share(entry), "of the floor"))
        said = [f"{value} {of}" for value, of in parts if value]
        return ", ".join([milliseconds(entry.median_ms), *said])
    if entry.estimate:
        return f"{entry.status}, {estimate(entry.estimate)}"
    return f"{entry.status}" if entry.failed or entry.reason is None else "not timed"


def _head(place: Place, rows: Sequence[Row]) -> Text:
    versions = [f"driver {place.driver}"] if place.driver else []
    versions += [f"torch {place.torch}", f"Triton {place.triton}"]
    where = (
        one_line(place.device) if place.measured else f"offline, estimated for the {one_line(place.target)}"
    )
    boxes = [f"sandbox {' and '.join(sorted({row.sandbox for row in rows if row.sandbox}))}"]
    return Text(f"{where}: ", style="bold").append(one_line(", ".join([*versions, *boxes])), style="default")


def _notes(rows: Sequence[Row]) -> list[RenderableType]:
    """What a dash or a status in the table means, one line each."""
    notes = [note for row in rows for note in _of_row(row)]
    unknown = _together(rows)
    return [Text(), *notes, *unknown] if notes or unknown else []


def _of_row(row: Row) -> list[Text]:
    name = one_line(row.name)
    if row.failure is not None:
        return [Text(f"{name} failed: {one_line(row.failure)}", style="bold red")]
    stale = [Text(f"{name} is out of date: {one_line(row.stale)}", style="yellow")] if row.stale else []
    return stale + [
        Text(f"{name}, {_called(entry)}: {why}", style="bold red" if entry.failed else "yellow")
        for entry in row.contenders
        if (why := _why(row, entry))
    ]


def _called(entry: Entry) -> str:
    return f"{entry.name} ({one_line(entry.origin)})" if entry.name == "best" and entry.origin else entry.name


def _why(row: Row, entry: Entry) -> str:
    """Why a contender has no time, or offline no estimate; nothing for one that is not there."""
    if entry.failed:
        return f"{entry.status}: {one_line(entry.reason or '')}"
    if entry.kernel is None and not (row.place.measured and entry.name in ("eager", "compile")):
        return ""
    if row.place.measured and entry.median_ms is None:
        return f"not timed: {one_line(entry.reason or 'it met nobody')}"
    return (
        "" if row.place.measured or entry.estimate else one_line("; ".join(entry.warnings) or "no estimate")
    )


def _together(rows: Sequence[Row]) -> list[Text]:
    """Where the best kernels come from, and what is not there: each with the tasks that share it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.failure is None:
            for about, word in filter(None, map(partial(_origin, row), row.contenders[2:])):
                found.setdefault(about, []).append(word)
    return [Text(f"{about}: {one_line(', '.join(words))}", style="dim") for about, words in found.items()]


def _origin(row: Row, entry: Entry) -> tuple[str, str] | None:
    if entry.kernel is None:
        return f"no {entry.name} kernel ({one_line(entry.reason or '')})", row.name
    if entry.name == "seed" or not entry.origin:
        return None
    name = entry.origin if entry.origin == f"{row.name}.py" else f"{row.name} {entry.origin}"
    return f"best kernels of {one_line(entry.place or '')}", name


def _figures(place: Place, rows: Sequence[Row]) -> list[RenderableType]:
    found = figures(place, rows)
    of_all = f"of {plural(len(rows), 'task')}"
    lines = [_line("eager", found.over_eager, of_all), _line("compile", found.over_compile, of_all)]
    if found.over_compile:
        of = plural(found.over_compile.tasks, "task")
        lines.append(f"best is faster than compile in {found.faster_than_compile} of {of}")
    return [Text(line) for line in lines]


def _line(other: str, found: Speedups | None, of_all: str) -> str:
    """``best over compile  median 1.12×, geometric mean 1.08×, in 11 of 13 tasks``."""
    begin = f"best over {other:<7}"
    if found is None:
        return f"{begin}  no task has both times"
    factors = f"median {times(found.median)}, geometric mean {times(found.geometric_mean)}"
    return f"{begin}  {factors}, in {found.tasks} {of_all}"
