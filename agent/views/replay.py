"""Where a record and today's code differ: one line for each kind, and the first difference in full."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ..replaying.difference import Comparison, Difference, shortened
from .text import one_line, plain, plural

NAMED = 8
"""Attempts that are named where many differ."""
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def replay(found: Sequence[Comparison], option: str = "") -> RenderableType:
    """All comparisons, those that agree first; ``option`` goes with the commands."""
    same = [Text(_same(comparison)) for comparison in found if comparison.same]
    different = [_different(comparison, option) for comparison in found if not comparison.same]
    return Group(*same, *different)


def replay_json(campaign: str, found: Sequence[Comparison]) -> dict[str, Any]:
    """The same as data, with every difference in full."""
    return {
        "campaign": campaign,
        "same": all(comparison.same for comparison in found),
        "kinds": {
            comparison.kind: comparison.model_dump(mode="json", exclude={"kind"}) for comparison in found
        },
    }


def _same(comparison: Comparison) -> str:
    count = comparison.compared
    match comparison.kind:
        case "prompts":
            return f"{plural(count, 'prompt')}, same bytes"
        case "replies":
            return f"{count} {'reply' if count == 1 else 'replies'}, same kernels and failures"
    return f"{plural(count, 'decision')}, same, and all {plural(comparison.steps, 'step')} in the same order"


def _different(comparison: Comparison, option: str) -> RenderableType:
    first, *rest = comparison.differences
    names = list(dict.fromkeys(one_line(each.attempt, 40) for each in comparison.differences))
    more = f", … ({len(names)} in all)" if len(names) > NAMED else ""
    head = f"{comparison.kind}: {_count(comparison)}: {', '.join(names[:NAMED])}{more}"
    parts: list[RenderableType] = [Text(), Text(head, style="bold red"), *_first(first)]
    if rest:
        command = f"kernelwright replay {first.attempt.partition('.')[0]} --{comparison.kind} --json{option}"
        parts.append(
            Text(f"and {plural(len(rest), 'more difference')}, not shown: `{command}` has all", style="dim")
        )
    return Group(*parts)


def _count(comparison: Comparison) -> str:
    count = len(comparison.differences)
    if comparison.kind != "decisions":
        return f"{count} of {comparison.compared} differ"
    compared = f"{plural(comparison.compared, 'decision')} and {plural(comparison.steps, 'step')}"
    return f"{plural(count, 'difference')} in {compared}"


def _first(difference: Difference) -> list[Text]:
    sentence = Text(f"{one_line(difference.attempt, 40)}: {one_line(difference.what, 1000)}")
    return [sentence, coloured(shortened(difference.diff))] if difference.diff else [sentence]


def coloured(diff: str) -> Text:
    """A unified diff for a terminal, with what changed inside a line set off."""
    lines = [Text(plain(line), style=_STYLES.get(line[:1], "")) for line in diff.split("\n")]
    for place in range(2, len(lines) - 1):
        if lines[place].plain.startswith("-") and lines[place + 1].plain.startswith("+"):
            _set_off(lines[place], lines[place + 1])
    return Text("\n").join(lines)


def _set_off(old: Text, new: Text) -> None:
    """Mark the words in which two lines differ, when most of them are the same."""
    before, after = (re.findall(r"\s+|\w+|.", line.plain[1:]) for line in (old, new))
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    if matcher.ratio() < 0.5:
        return
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            old.stylize("reverse", *_span(before, a, b))
            new.stylize("reverse", *_span(after, c, d))


def _span(words: Sequence[str], begin: int, end: int) -> tuple[int, int]:
    start = 1 + sum(map(len, words[:begin]))
    return start, start + sum(map(len, words[begin:end]))
