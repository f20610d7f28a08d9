"""A run of ``bench`` as it goes: task after task, each kept as soon as it is over and told on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import DeviceKind, Progress
    from rich.console import Console
    from rich.status import Status

    from ..suite.rows import Place, Planned, Row
    from .bench_file import BenchFile


@dataclass
class Run:
    """Some tasks on one place, filling one file."""

    planned: Sequence[Planned]
    place: Place
    kept: BenchFile
    since: datetime | None
    """Only rows made after this moment count as there already; None: all do."""
    rows: dict[str, Row] = field(default_factory=dict)
    """What there is so far, by task."""

    @property
    def kind(self) -> DeviceKind:
        """Which evaluator judges."""
        return "cuda" if self.place.measured else "offline"

    @property
    def left(self) -> list[str]:
        """Tasks of which there is no row, or one that failed."""
        rows = {task for task, row in self.rows.items() if row.failure is None}
        return [planned.task for planned in self.planned if planned.task not in rows]


def run_all(run: Run) -> None:
    """Fill ``run.rows``; raises `GpuUnhealthy` when two tasks in a row lost the card."""
    from ..suite.naming import names

    with _telling(names({planned.task: planned.name for planned in run.planned})) as teller:
        lost = False
        for planned in run.planned:
            row = _row(run, planned, teller)
            if row is not None:
                run.rows[planned.task] = row
                _must_answer(row, lost)
                lost = row.card_lost
    _take_others(run)


def _take_others(run: Run) -> None:
    """Rows that other processes have made meanwhile, all in the order of the plan."""
    for planned in run.planned:
        row = run.rows.pop(planned.task, None) or run.kept.settled(planned, run.place, run.since)
        if row is not None:
            run.rows[planned.task] = row


def _row(run: Run, planned: Planned, teller: _Teller) -> Row | None:
    """The row that is there, or a new one; None while another process is at that task."""
    tell = teller.begin(planned.task)
    with run.kept.claimed(planned, run.place) as free:
        row = run.kept.settled(planned, run.place, run.since)
        if row is not None:
            teller.said(f"done already, in {run.kept.path}")
            return row
        if not free:
            teller.said("left out: another process is at it")
            return None
        if why := run.kept.stale(planned, run.place):
            teller.said(f"run again: {why}")
        return _run(run, planned, teller, tell)


def _run(run: Run, planned: Planned, teller: _Teller, tell: Progress) -> Row:
    from kernelwright.evaluator.client import open_evaluator

    from ..suite.running import run_task
    from ..views.suite import words

    row = run_task(planned, run.place, open_evaluator(run.kind), tell)
    run.kept.add(row)
    teller.said(words(row))
    return row


def _must_answer(row: Row, lost_before: bool) -> None:
    from kernelwright.evaluator.protocol import GpuUnhealthy

    if row.card_lost and lost_before:
        raise GpuUnhealthy(row.failure or "")


class _Teller:
    """The task at work on a terminal, and a lasting line for each that is over."""

    def __init__(self, console: Console, status: Status, names: Mapping[str, str]) -> None:
        self._console, self._status, self._names = console, status, names
        self._number, self._name = 0, ""

    def begin(self, task: str) -> Progress:
        """The next task's turn."""
        from rich.text import Text

        from ..views.text import one_line

        self._number, self._name = self._number + 1, self._names[task]

        def tell(phase: str) -> None:
            place = f"{self._number} of {len(self._names)}"
            self._status.update(Text(f"{place} {one_line(self._name)}: {one_line(phase, 60)}"))

        tell("starting")
        return tell

    def said(self, words: str) -> None:
        """What came of it."""
        from rich.text import Text

        from ..views.text import one_line

        planned = len(self._names)
        place = f"{self._number:>{len(str(planned))}} of {planned}"
        self._console.print(Text(f"{place}  {one_line(self._name)}: {one_line(words)}"), soft_wrap=True)


@contextmanager
def _telling(names: Mapping[str, str]) -> Iterator[_Teller]:
    from .output import stderr

    console = stderr()
    with console.status("starting the evaluator") as status:
        yield _Teller(console, status, names)
