"""Every stored brief rendered again with today's templates and stages. Pure but for reading the stored texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kernelwright.prompts import PromptError, Rendered, render
from kernelwright.stages import Stage

from ..brief import Brief
from ..record import Attempt, Record
from ..store import StoreError
from .difference import Comparison, Difference, Tick, text_diff

Text = Callable[[str], str]
NO_DAMAGE: Mapping[str, str] = {}
NO_STAGES: Mapping[str, Stage] = {}


def compare_prompts(
    record: Record,
    text: Text,
    damaged: Mapping[str, str] = NO_DAMAGE,
    tick: Tick = lambda: None,
    stages: Mapping[str, Stage] = NO_STAGES,
) -> Comparison:
    """Each prompt's bytes against what its brief gives today; ``text`` reads the store and may raise StoreError.

    ``damaged`` says, by attempt, what is wrong with a brief that cannot be read any more. A stage that is not
    among today's ``stages`` says what it said then.
    """
    found = Comparison(kind="prompts")
    for attempt in record.attempts:
        if attempt.prompt_sha is not None or attempt.reply is not None:
            found.compared += 1
            what = damaged.get(attempt.id) or _unasked(attempt)
            lost = Difference(attempt=attempt.id, what=what) if what else None
            difference = lost or _compare(attempt, attempt.prompt_sha or "", text, stages)
            found.differences += [difference] if difference else []
        tick()
    return found


def _unasked(attempt: Attempt) -> str | None:
    return "it was answered, and holds no prompt" if attempt.prompt_sha is None else None


def _compare(attempt: Attempt, prompt_sha: str, text: Text, stages: Mapping[str, Stage]) -> Difference | None:
    try:
        stored = text(prompt_sha)
    except StoreError as problem:
        return Difference(attempt=attempt.id, what=f"its prompt cannot be read: {problem}")
    if attempt.brief is None:
        return Difference(
            attempt=attempt.id, what="its prompt has no brief beside it, so nothing can be rendered"
        )
    try:
        made = [
            render(brief.template, brief.data())
            for brief in _briefs(attempt.brief, stages.get(attempt.stage or ""))
        ]
    except PromptError as problem:
        return Difference(attempt=attempt.id, what=f"its brief gives no prompt today: {problem}")
    today = next((each for each in reversed(made) if each.text != stored), None)
    if today is None:
        return None
    diff = text_diff(stored, today.text, f"{attempt.id} as it was asked", f"{attempt.id} as rendered today")
    as_then = made[0].text == stored
    what = f"stage '{attempt.stage}' has changed since" if as_then else _why(attempt, today)
    return Difference(attempt=attempt.id, what=what, diff=diff)


def _briefs(brief: Brief, stage: Stage | None) -> list[Brief]:
    """The brief as it is stored, and with what its attempt's stage says today where that is something else."""
    changed = stage is not None and stage != brief.stage
    return [brief, brief.model_copy(update={"stage": stage})] if changed else [brief]


def _why(attempt: Attempt, today: Rendered) -> str:
    if attempt.template_sha == today.template_sha:
        return (
            f"template '{today.template}' is the one that was used, and gives another prompt: what fills it in"
            " has changed"
        )
    then = (attempt.template_sha or "unknown")[:10]
    return f"template '{today.template}' has changed since ({then} then, {today.template_sha[:10]} today)"
