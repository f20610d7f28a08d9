"""What a command of a few long steps is doing, on stderr: a lasting line for each, and a live one with a clock."""

from __future__ import annotations

from rich.console import Console
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..views.text import one_line
from .live import LiveLine


class Steps(LiveLine):
    """Use it as a context, so that the live line goes away; without a terminal only the lasting lines show."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        super().__init__(console, *columns, total=None)
        self._step = ""

    def step(self, text: str) -> None:
        """A step begins: its line stays, and its clock starts."""
        self.say(text)
        self._step = text
        self._progress.reset(self._task, description=one_line(text, 100))

    def phase(self, text: str) -> None:
        """Where the step is, in the live line."""
        self._progress.update(self._task, description=one_line(f"{self._step}: {text}", 100))

    def say(self, text: str) -> None:
        """One lasting line."""
        self._last(Text(one_line(text)))
