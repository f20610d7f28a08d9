"""Who is told how a campaign goes while it runs: the command line's progress, or nobody."""

from __future__ import annotations

from typing import Protocol

from kernelwright.evaluator.protocol import Session
from kernelwright.stages import Stage

from .record import Attempt, Campaign, Record, StageEnd


class Watcher(Protocol):
    """Told of each thing right after it was stored; whatever it raises stops the campaign."""

    def session(self, campaign: Campaign, session: Session) -> None:
        """The evaluator is open."""
        ...

    def stage_started(self, stage: Stage) -> None:
        """The first attempt of a stage in this process is next."""
        ...

    def stage_ended(self, end: StageEnd) -> None:
        """A stage is over, or was skipped."""
        ...

    def attempt_started(self, attempt: Attempt) -> None:
        """An attempt begins, or goes on after a resume."""
        ...

    def phase(self, text: str) -> None:
        """What is being done now, in a few words."""
        ...

    def attempt_done(self, attempt: Attempt, record: Record) -> None:
        """An attempt was decided."""
        ...

    def finished(self, record: Record) -> None:
        """The campaign is over."""
        ...
