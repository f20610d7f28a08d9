"""What a command of a few long steps is doing, on stderr: a lasting line for each, and a live one with a clock."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..views.text import one_line


class Steps:
    """Use it as a context, so that the live line goes away; without a terminal only the lasting lines show."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("starting", total=None)
        self._step = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, text: str) -> None:
        """A step begins: its line stays, and its clock starts."""
        self.say(text)
        self._step = text
        self._progress.reset(self._task, description=one_line(text, 100))

    def phase(self, text: str) -> None:
        """Where the step is, in the live line."""
        self._progress.update(self._task, description=one_line(f"{self._step}: {text}", 100))

    def say(self, text: str) -> None:
        """One lasting line, wrapped by the terminal and not by rich, so that in a log it stays one."""
        self._console.print(Text(one_line(text)), soft_wrap=True)
