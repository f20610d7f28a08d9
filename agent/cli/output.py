"""Results on stdout, progress on stderr: consoles, JSON, and exact artefacts."""

from __future__ import annotations

import codecs
import json
import math
import os
import sys
from typing import Any, NoReturn

from rich.console import Console, RenderableType

PIPE_WIDTH = 160
"""Columns where output goes into a file or a pipe, unless COLUMNS says otherwise."""


NARROW = "look_alike"
"""Name of the error handler for streams whose encoding cannot write what the views draw with."""
_LOOK_ALIKES = str.maketrans("●·×÷—–→←│├└─…", "*.x/--><|||-.")


def _look_alikes(problem: UnicodeError) -> tuple[str, int]:
    """One ASCII character for each, so that columns stay; a question mark where none is like it."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    drawn = problem.object[problem.start : problem.end].translate(_LOOK_ALIKES)
    return drawn.encode("ascii", "replace").decode("ascii"), problem.end


codecs.register_error(NARROW, _look_alikes)


def _width(terminal: bool) -> int | None:
    return None if terminal or "COLUMNS" in os.environ else PIPE_WIDTH


class _Results(Console):
    def on_broken_pipe(self) -> None:
        """A reader that closed its end early, as ``| head`` does, is no failure."""
        reader_left()


class _Progress(Console):
    def on_broken_pipe(self) -> None:
        """Nobody looks at the progress any more: the work goes on without it."""
        self.quiet = True


def reader_left() -> NoReturn:
    """End quietly: what is still buffered for stdout goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)


def stdout() -> Console:
    """Where results go."""
    width = _width(sys.stdout.isatty())
    return _Results(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def stderr() -> Console:
    """Where progress goes."""
    width = _width(sys.stderr.isatty())
    return _Progress(file=sys.stderr, width=width, highlight=False, markup=False, emoji=False)


def show(*parts: RenderableType) -> None:
    """Print renderables as a result; into a pipe or file without the blanks that fill a table's lines."""
    console = stdout()
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    text = captured.get()
    if not sys.stdout.isatty():
        text = "\n".join(line.rstrip() for line in text.split("\n"))
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        reader_left()


def show_json(data: Any) -> None:
    """Print data as a result: ASCII, so that a terminal is safe and nothing is lost."""
    write_bytes(json.dumps(_finite(data), indent=2) + "\n")


def _finite(data: Any) -> Any:
    """The same with null for NaN and infinities, which JSON has no word for."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def show_text(text: str, language: str | None = None) -> None:
    """One artefact: exact bytes into a pipe or file, made safe and coloured on a terminal."""
    if not sys.stdout.isatty():
        write_bytes(text)
        return
    from rich.syntax import Syntax
    from rich.text import Text

    from ..views.text import plain

    safe = plain(text)
    console = stdout()
    console.print(
        Syntax(safe, language, theme="ansi_dark", background_color="default", word_wrap=True)
        if language
        else Text(safe)
    )


def write_bytes(text: str) -> None:
    """The text's bytes as the store keeps them, without a newline of our own."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        reader_left()
