"""One attempt: a line while a campaign runs, a page for ``show``."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Attempt
from .lineage import outcome, state, where
from .text import PYTORCH, one_line, plural, seconds, speedup, time_of
from .verdict import verdict

STYLES = {"passed": "green", "unchecked": "yellow"}


def state_text(attempt: Attempt) -> Text:
    """The state in its colour."""
    word = state(attempt)
    failed = attempt.evaluation is not None or attempt.failure is not None
    return Text(word, style=STYLES.get(word, "red" if failed else "dim"))


def gain(attempt: Attempt, names: Mapping[str, str]) -> str:
    """Measured speedup with its interval; nothing for an estimate, which claims none."""
    evaluation = attempt.evaluation
    return speedup(evaluation.timing, names) if evaluation and evaluation.timing else ""


def verdict_on(attempt: Attempt) -> str:
    """Kept or why not; a measured gain is its own reason and is not said twice."""
    timing = attempt.evaluation.timing if attempt.evaluation else None
    kept = attempt.decision is not None and attempt.decision.accepted
    return "kept" if kept and timing and timing.baseline not in PYTORCH else outcome(attempt)


def attempt_line(attempt: Attempt, names: Mapping[str, str]) -> Text:
    """``ab12.3  block_tiling 1  passed  0.412 ms  1.34× [1.31, 1.37] over ab12.1  kept``."""
    kept = attempt.decision is not None and attempt.decision.accepted
    parts = [
        Text(f"{attempt.id:<10}", style="bold" if kept else ""),
        Text(f"{where(attempt):<26}"),
        state_text(attempt),
        Text(time_of(attempt.evaluation)),
        Text(gain(attempt, names)),
        Text(verdict_on(attempt), style="green" if kept else ""),
    ]
    return Text("  ").join(part for part in parts if part.plain)


def attempt_page(attempt: Attempt) -> RenderableType:
    """Everything about one attempt but its long texts (``--code``, ``--prompt``, ``--reply``)."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(attempt):
        table.add_row(name, Text(value))
    return Group(table, Text(), verdict(attempt.evaluation)) if attempt.evaluation else table


def _facts(attempt: Attempt) -> list[tuple[str, str]]:
    facts = [
        ("attempt", attempt.id),
        ("stage", where(attempt)),
        ("parent", attempt.parent or "none"),
        ("kernel", attempt.kernel_sha or "none"),
        ("outcome", outcome(attempt)),
    ]
    if attempt.decision:
        facts += [("broken promise", one_line(promise)) for promise in attempt.decision.broken_promises]
    if attempt.template:
        facts.append(("template", f"{attempt.template} {(attempt.template_sha or '')[:10]}".strip()))
    if attempt.reply:
        facts.append(("reply", _reply(attempt)))
    if attempt.failure:
        facts.append(("failure", f"{attempt.failure.kind.value}: {one_line(attempt.failure.reason)}"))
    return [*facts, ("seconds", seconds(attempt.seconds))]


def _reply(attempt: Attempt) -> str:
    reply = attempt.reply
    assert reply is not None
    parts = [one_line(f"{reply.provider}/{reply.model}")]
    if reply.usage.total:
        parts.append(plural(reply.usage.total, "token"))
    if reply.latency_s is not None:
        parts.append(seconds(reply.latency_s))
    if reply.finish_reason:
        parts.append(f"finished: {one_line(reply.finish_reason)}")
    return ", ".join(parts)
