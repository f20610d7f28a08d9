"""A live line on stderr, which goes away with its context; without a terminal there is none."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.text import Text


class LiveLine:
    """What a command shows while it works, with lasting lines above."""

    def __init__(self, console: Console, *columns: ProgressColumn, **task: Any) -> None:
        self._console = console
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("starting", **task)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _last(self, line: Text) -> None:
        # Wrapped by the terminal and not by rich, so that a line in a log file stays one line.
        self._console.print(line, soft_wrap=True)
