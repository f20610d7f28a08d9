"""A code diff for eyes: Python in its colours, changed lines marked, changed words set off. Pipes get the exact one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.syntax import Syntax
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
    lines = [SignedLine(*marked) for marked in marked_lines(plain(before), plain(after))]
    if lines:
        return Group(*lines)
    return Text("same source" if before == after else "the same lines: only their ends differ")


@dataclass(frozen=True)
class SignedLine:
    """A sign and its line; where the line goes on below, ``…`` stands in the sign's place."""

    sign: str
    line: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich calls."""
        sign = Text("" if self.sign == "@" else self.sign, style=f"bold {_MARKS.get(self.sign, '')}".strip())
        width = max(options.max_width - 2, 1)
        line = self.line.copy()
        line.expand_tabs(8)
        if self.sign == " ":
            line.stylize("dim")
        for number, part in enumerate(line.wrap(console, width, overflow="fold") or [Text()]):
            shown = Text("…", style=sign.style) if number else sign
            yield Text.assemble(shown, " " * (2 - len(shown.plain)), part)


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
