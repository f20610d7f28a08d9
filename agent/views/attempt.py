"""One attempt: a line while a campaign runs, a page for ``show``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kernelwright.evaluator.evaluation import Evaluation
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Attempt, Record, Reply
from ..rules.budget import usd
from .head_to_head import final_words
from .lineage import names, outcome, state, where
from .place import UNSEEN
from .text import PYTORCH, baseline, one_line, seconds, speedup, time_of
from .timing import pairs_table
from .verdict import verdict

STYLES = {"passed": "green", "unchecked": "yellow"}


def state_text(attempt: Attempt) -> Text:
    """The state in its colour."""
    word = state(attempt)
    failed = attempt.evaluation is not None or attempt.failure is not None
    return Text(word, style=STYLES.get(word, "red" if failed else "dim"))


def gain(attempt: Attempt, names: Mapping[str, str]) -> str:
    """Measured speedup with its interval; nothing for an estimate, which claims none."""
    timing = attempt.evaluation.timing if attempt.evaluation else None
    return speedup(timing, names) if timing else ""


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


def attempt_page(attempt: Attempt, record: Record, option: str = "") -> RenderableType:
    """Everything about one attempt but its long texts, and the command that prints those.

    ``option`` goes with the command.
    """
    known = names(record)
    parts: list[RenderableType] = [_table((name, Text(value)) for name, value in _facts(attempt, record))]
    if attempt.evaluation:
        parts += [Text(), verdict(attempt.evaluation, known)]
    if attempt.evaluation and attempt.evaluation.timing and attempt.evaluation.timing.samples:
        timing = attempt.evaluation.timing
        parts += [Text(), pairs_table(timing, baseline(timing, known))]
    artefacts = _table((flag, Text(what, style="dim")) for flag, what in _artefacts(attempt))
    usage = Text(f"`kernelwright show {attempt.id} FLAG{option}` prints one artefact:", style="dim")
    return Group(*parts, Text(), usage, artefacts)


def _table(rows: Iterable[tuple[str, Text]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def _facts(attempt: Attempt, record: Record) -> list[tuple[str, str]]:
    facts = [
        ("attempt", f"{attempt.id}, {attempt.kind.value}, begun {attempt.created:%Y-%m-%d %H:%M:%S}"),
        ("stage", where(attempt)),
        ("parent", attempt.parent or "none"),
        ("mends", attempt.mends or ""),
        ("children", ", ".join(a.id for a in record.attempts if a.parent == attempt.id)),
        ("kernel", _kernel(attempt, record)),
        ("verdict", _taken_from(attempt, record)),
        ("outcome", outcome(attempt)),
        ("head to head", final_words(record, attempt)),
    ]
    if attempt.decision:
        facts += [("broken promise", one_line(promise)) for promise in attempt.decision.broken_promises]
    if attempt.failure:
        facts.append(("failure", f"{attempt.failure.kind.value}: {one_line(attempt.failure.reason)}"))
    facts += [("template", _template(attempt)), ("prompt", attempt.prompt_sha or "")]
    facts += [*_replied(attempt.reply, record)] if attempt.reply else []
    facts += [("seconds", seconds(attempt.seconds)), *_judging(attempt.evaluation)]
    return [(name, value) for name, value in facts if value]


def _kernel(attempt: Attempt, record: Record) -> str:
    first = names(record).get(attempt.kernel_sha or "")
    twin = f", first seen in {first}" if first and first != attempt.id else ""
    return f"{attempt.kernel_sha or 'none'}{twin}"


def _taken_from(attempt: Attempt, record: Record) -> str:
    """Whose the verdict is where it is not this campaign's own."""
    source, parts = record.campaign.settings.verdicts_of, []
    if source:
        parts.append(f"that of campaign {one_line(source)}, taken from its record")
    if record.campaign.is_imported(attempt):
        parts.append(f"as the imported file tells it, {UNSEEN}")
    return "; ".join(parts) if attempt.evaluation else ""


def _template(attempt: Attempt) -> str:
    return f"{attempt.template} {attempt.template_sha or ''}".strip() if attempt.template else ""


def _replied(reply: Reply, record: Record) -> Iterator[tuple[str, str]]:
    parts = [one_line(f"{reply.provider}/{reply.model}")]
    if reply.latency_s is not None:
        parts.append(seconds(reply.latency_s))
    if reply.finish_reason:
        parts.append(f"finished: {one_line(reply.finish_reason)}")
    yield "reply", ", ".join(parts)
    if reply.parameters:
        yield "asked with", one_line(", ".join(f"{name}={value}" for name, value in reply.parameters.items()))
    asked, answered = reply.usage.prompt_tokens, reply.usage.completion_tokens
    if reply.usage.total:
        cost = usd([reply], record.campaign.settings.usd_per_million)
        money = "" if cost is None else f", {cost:.4f} USD"
        yield "tokens", f"{_count(asked)} asked, {_count(answered)} answered{money}"


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _judging(evaluation: Evaluation | None) -> Iterator[tuple[str, str]]:
    if evaluation is None:
        return
    if evaluation.seconds:
        phases = (f"{one_line(name)} {seconds(value)}" for name, value in evaluation.seconds.items())
        yield "judged in", ", ".join(phases)
    if evaluation.environment:
        yield "with", one_line(", ".join(f"{name} {value}" for name, value in evaluation.environment.items()))


def _artefacts(attempt: Attempt) -> list[tuple[str, str]]:
    """What there is of this attempt to print, by its flag."""
    evaluation = attempt.evaluation
    timing = evaluation.timing if evaluation else None
    there = [
        ("--code", "the kernel's source", attempt.kernel_sha),
        ("--diff", "what changed against the parent", attempt.kernel_sha and attempt.parent),
        ("--prompt", "the prompt's exact bytes", attempt.prompt_sha),
        ("--brief", "what the prompt was filled from", attempt.brief),
        ("--reply", "the reply as it came", attempt.reply),
        ("--metrics", "each kernel's metrics", evaluation and evaluation.kernels),
        ("--samples", "the timing, pair by pair", timing),
        ("--json", "all of it", True),
    ]
    return [(flag, what) for flag, what, has in there if has]
