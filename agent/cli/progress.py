"""How a campaign goes, on stderr: a live line on a terminal, and a lasting line for everything that is over."""

from __future__ import annotations

import time

from kernelwright.evaluator.protocol import Session
from kernelwright.stages import Stage
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ..record import Attempt, Campaign, Record, StageEnd
from ..views.attempt import attempt_line
from ..views.lineage import names, where
from ..views.text import milliseconds, one_line
from .live import LiveLine


class _Phase(ProgressColumn):
    """What is being done, and for how long."""

    max_refresh = 0.2

    def render(self, task: Task) -> Text:
        """``abcd.3 block_tiling 1: compiling 4 s``."""
        since = task.fields.get("since")
        took = f" {time.monotonic() - since:.0f} s" if since is not None else ""
        return Text(f"{task.description}{took}")


class TerminalWatcher(LiveLine):
    """A `Watcher` that writes to a console; use it as a context so that the live line goes away."""

    def __init__(self, console: Console, stages: int) -> None:
        columns = (
            SpinnerColumn(),
            _Phase(),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("stages", markup=False),
            TimeElapsedColumn(),
        )
        super().__init__(console, *columns, total=stages, since=time.monotonic())
        self._subject = ""

    def session(self, campaign: Campaign, session: Session) -> None:
        """Sandbox, floor, warnings."""
        floor, place = session.floor_ms.target, session.target
        if session.floor_ms.device is not None:
            floor, place = session.floor_ms.device, one_line(session.device)
        self._last(
            Text(f"campaign {campaign.id}: floor {milliseconds(floor)} on the {place}, {session.sandbox}")
        )
        for warning in session.warnings:
            self._last(Text(f"warning: {one_line(warning)}", style="yellow"))

    def stage_started(self, stage: Stage) -> None:
        """Name the stage and its focus."""
        self._last(Text(f"{stage.name}: {one_line(stage.focus)}", style="bold"))

    def stage_ended(self, end: StageEnd) -> None:
        """Say how it ended and why."""
        self._last(Text(f"{one_line(end.stage)} {end.outcome}: {one_line(end.reason)}", style="dim"))
        self._progress.advance(self._task)

    def attempt_started(self, attempt: Attempt) -> None:
        """Show it in the live line."""
        self._subject = f"{attempt.id} {where(attempt)}"
        self.phase("starting")

    def phase(self, text: str) -> None:
        """Show it in the live line with its own clock."""
        about = f"{self._subject}: " if self._subject else ""
        self._progress.update(self._task, description=about + one_line(text, 60), since=time.monotonic())

    def attempt_done(self, attempt: Attempt, record: Record) -> None:
        """One line: stage, status, time, speedup, kept or why not."""
        self._last(attempt_line(attempt, names(record)))
        for promise in attempt.decision.broken_promises if attempt.decision else []:
            self._last(Text(f"{'':<10}  broken promise: {one_line(promise)}", style="yellow"))

    def finished(self, record: Record) -> None:
        """Say why it is over."""
        if record.campaign.finish_reason:
            self._last(Text(f"finished: {one_line(record.campaign.finish_reason)}", style="bold"))
