"""Every stored brief rendered again with today's templates. Pure but for reading the stored texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kernelwright.prompts import PromptError, Rendered, render

from ..record import Attempt, Record
from ..store import StoreError
from .difference import Comparison, Difference, Tick, text_diff

Text = Callable[[str], str]
NO_DAMAGE: Mapping[str, str] = {}


def compare_prompts(
    record: Record, text: Text, damaged: Mapping[str, str] = NO_DAMAGE, tick: Tick = lambda: None
) -> Comparison:
    """Each prompt's bytes against what its brief gives today; ``text`` reads the store and may raise StoreError.

    ``damaged`` says, by attempt, what is wrong with a brief that cannot be read any more.
    """
    found = Comparison(kind="prompts")
    for attempt in record.attempts:
        if attempt.prompt_sha is not None:
            found.compared += 1
            what = damaged.get(attempt.id)
            lost = Difference(attempt=attempt.id, what=what) if what else None
            difference = lost or _compare(attempt, attempt.prompt_sha, text)
            found.differences += [difference] if difference else []
        tick()
    return found


def _compare(attempt: Attempt, prompt_sha: str, text: Text) -> Difference | None:
    try:
        stored = text(prompt_sha)
    except StoreError as problem:
        return Difference(attempt=attempt.id, what=f"its prompt cannot be read: {problem}")
    if attempt.brief is None:
        return Difference(
            attempt=attempt.id, what="its prompt has no brief beside it, so nothing can be rendered"
        )
    try:
        today = render(attempt.brief.template, attempt.brief.data())
    except PromptError as problem:
        return Difference(attempt=attempt.id, what=f"its brief gives no prompt today: {problem}")
    if today.text == stored:
        return None
    diff = text_diff(stored, today.text, f"{attempt.id} as it was asked", f"{attempt.id} as rendered today")
    return Difference(attempt=attempt.id, what=_why(attempt, today), diff=diff)


def _why(attempt: Attempt, today: Rendered) -> str:
    if attempt.template_sha == today.template_sha:
        return (
            f"template '{today.template}' is the one that was used, and gives another prompt: what fills it in"
            " has changed"
        )
    then = (attempt.template_sha or "unknown")[:10]
    return f"template '{today.template}' has changed since ({then} then, {today.template_sha[:10]} today)"
