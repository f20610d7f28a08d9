"""Results on stdout, progress on stderr: consoles, JSON, and exact artefacts."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console, RenderableType

PIPE_WIDTH = 160
"""Columns where output goes into a file or a pipe, unless COLUMNS says otherwise."""


def _width(terminal: bool) -> int | None:
    return None if terminal or "COLUMNS" in os.environ else PIPE_WIDTH


def stdout() -> Console:
    """Where results go."""
    return Console(
        file=sys.stdout, width=_width(sys.stdout.isatty()), highlight=False, markup=False, emoji=False
    )


def stderr() -> Console:
    """Where progress goes."""
    return Console(
        file=sys.stderr, width=_width(sys.stderr.isatty()), highlight=False, markup=False, emoji=False
    )


def show(*parts: RenderableType) -> None:
    """Print renderables as a result."""
    console = stdout()
    for part in parts:
        console.print(part)


def show_json(data: Any) -> None:
    """Print data as a result: ASCII, so that a terminal is safe and nothing is lost."""
    sys.stdout.write(json.dumps(data, indent=2) + "\n")


def show_text(text: str, language: str | None = None) -> None:
    """One artefact: exact bytes into a pipe or file, made safe and coloured on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.flush()
        write_bytes(text)
        return
    from rich.syntax import Syntax
    from rich.text import Text

    from ..views.text import plain

    safe = plain(text)
    console = stdout()
    console.print(
        Syntax(safe, language, background_color="default", word_wrap=True) if language else Text(safe)
    )


def write_bytes(text: str) -> None:
    """The text's bytes as the store keeps them, without a newline of our own."""
    data = text.encode("utf-8", "surrogatepass")
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
        return
    buffer.write(data)
    buffer.flush()
