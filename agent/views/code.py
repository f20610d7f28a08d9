"""A code diff for eyes: Python in its colours, changed lines marked, changed words set off. Pipes get the exact one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from rich.console import RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from .text import plain

_CONTEXT = 3
_WORD = re.compile(r"\w+|\s+|.")
_ALIKE = 0.6
"""Likeness from which two lines are one line that was changed, whose changed words are worth showing."""
_LONGEST, _MOST = 200, 100
"""Characters of a line and lines of a change; words of more are not compared."""
_COLOURED_LINES, _COLOURED_CHARACTERS = 5000, 80_000
"""Of a source at most; colours for more would take seconds."""
_MARKS = {"-": "red", "+": "green"}

Marked = tuple[str, Text]
"""A line with its sign: ``-``, ``+``, a space for context, ``@`` for a hunk's place."""


def side_by_sign(before: str, after: str) -> RenderableType:
    """The changed parts of two sources with a sign before each line, for a terminal."""
    table = Table.grid(padding=(0, 1), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sign, line in marked_lines(plain(before), plain(after)):
        colour = _MARKS.get(sign, "")
        if sign == " ":
            line.stylize("dim")
        table.add_row(Text("" if sign == "@" else sign, style=f"bold {colour}".strip()), line)
    if table.row_count:
        return table
    return Text("same source" if before == after else "the same lines: only their ends differ")


def marked_lines(before: str, after: str) -> Iterator[Marked]:
    """Each hunk's place, then its lines."""
    old, new = _coloured(before), _coloured(after)
    matcher = difflib.SequenceMatcher(None, [line.plain for line in old], [line.plain for line in new])
    for hunk in matcher.get_grouped_opcodes(_CONTEXT):
        first, last = hunk[0], hunk[-1]
        where = f"lines {_lines(first[1], last[2])} → {_lines(first[3], last[4])}"
        yield "@", Text(where, style="cyan")
        for kind, at, to, new_at, new_to in hunk:
            if kind == "equal":
                yield from ((" ", line) for line in new[new_at:new_to])
            else:
                yield from _changed(old[at:to], new[new_at:new_to])


def _lines(start: int, end: int) -> str:
    return f"{start + 1}–{end}" if end > start else "none"


def _coloured(source: str) -> list[Text]:
    """The source's lines in Python's colours, which need the whole text: a docstring goes over lines."""
    if not source:
        return []
    if source.count("\n") > _COLOURED_LINES or len(source) > _COLOURED_CHARACTERS:
        return [Text(line) for line in source.removesuffix("\n").split("\n")]
    syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
    lines = syntax.highlight(source).split("\n", allow_blank=True)
    return list(lines[:-1]) if lines and not lines[-1].plain else list(lines)


def _changed(old: list[Text], new: list[Text]) -> Iterator[Marked]:
    for left, right in zip(old[:_MOST], new[:_MOST], strict=False):
        _set_off_words(left, right)
    yield from (("-", line) for line in old)
    yield from (("+", line) for line in new)


def _set_off_words(old: Text, new: Text) -> None:
    """Mark what differs between two versions of a line."""
    if max(len(old), len(new)) > _LONGEST:
        return
    left, right = _WORD.findall(old.plain), _WORD.findall(new.plain)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return
    for kind, at, to, new_at, new_to in matcher.get_opcodes():
        if kind != "equal":
            _stylize(old, left, at, to, "red")
            _stylize(new, right, new_at, new_to, "green")


def _stylize(line: Text, words: list[str], at: int, to: int, colour: str) -> None:
    start = sum(map(len, words[:at]))
    line.stylize(f"{colour} reverse", start, start + sum(map(len, words[at:to])))
