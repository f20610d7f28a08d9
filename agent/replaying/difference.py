"""What differs between the record and today's code. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["prompts", "replies", "decisions"]
Tick = Callable[[], None]
"""Called once for each attempt that was compared."""

SHOWN_LINES = 60
"""Lines of a diff that a person gets to see; data holds all of them."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Difference(_Model):
    """One attempt, or one place in the path, at which today's code does otherwise."""

    attempt: str
    """The attempt's id."""
    what: str
    """One sentence."""
    diff: str = ""
    """The record's text against today's, unified; empty when there is none to compare."""


class Comparison(_Model):
    """Everything of one kind, compared."""

    kind: Kind
    compared: int = 0
    differences: list[Difference] = Field(default_factory=list)
    steps: int = 0
    """Of decisions: attempts that were begun and stages that were ended, in the record's order."""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def text_diff(stored: str, today: str, stored_name: str, today_name: str, context: int = 2) -> str:
    """A unified diff in which every byte counts: lines end at newlines only, and spaces at their end show."""
    old, new = _lines(stored), _lines(today)
    found = list(difflib.unified_diff(old, new, stored_name, today_name, lineterm="\n", n=context))
    return "".join(found[:2] + [_visible(line) for line in found[2:]])


def _lines(text: str) -> list[str]:
    """Lines that end with a newline; of a last one that has none, it is said."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([f"{rest}\n\\ No newline at end of file\n"] if rest else [])


def _visible(line: str) -> str:
    """A changed line with a dot for each space at its end."""
    if not line.startswith(("+", "-")):
        return line
    kept = line[1:-1].rstrip(" ")
    return f"{line[0]}{kept}{'·' * (len(line) - 2 - len(kept))}\n"


def shortened(diff: str, lines: int = SHOWN_LINES) -> str:
    """The diff's first lines, and how many more there are."""
    found = diff.split("\n")
    if len(found) <= lines:
        return diff.removesuffix("\n")
    return "\n".join([*found[:lines], f"… {len(found) - lines} more lines"])
