"""Everything about one attempt but its long texts, as the page shows it when it is opened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernelwright.evaluator.evaluation import Correctness, Evaluation

from ..record import Attempt
from ..rules.budget import usd
from ..views.attempt import gain
from ..views.lineage import outcome, provisional, state, where
from ..views.place import UNSEEN
from ..views.text import baseline, milliseconds, one_line, plain, plural, seconds
from ..views.timing import time_with_interval
from ..views.verdict import headline
from .campaign_facts import Pairs, said
from .metric_facts import metric_tables
from .pairs import pairs_pictures
from .texts import code_key, diff_key, prompt_key, reply_key, shown

Price = tuple[float, float] | None
"""Of a million prompt and completion tokens, in USD; None where it is not known."""


def attempt_facts(
    attempt: Attempt, parent: Attempt | None, called: Mapping[str, str], price: Price, imported: bool = False
) -> dict[str, Any]:
    """The attempt's page; ``called`` says what to call a kernel, by its SHA-256."""
    evaluation = attempt.evaluation
    return {
        "id": plain(attempt.id),
        "where": one_line(where(attempt)),
        "parent": plain(attempt.parent) if attempt.parent else None,
        "mends": plain(attempt.mends) if attempt.mends else None,
        "state": state(attempt),
        "headline": _headline(evaluation, imported) if evaluation else "",
        "outcome": outcome(attempt),
        "reason": _reason(attempt),
        "time": time_with_interval(evaluation),
        "gain": gain(attempt, called),
        "estimated": provisional(attempt),
        "floor": _floor(evaluation),
        "notes": _notes(attempt),
        "timing": _timing(attempt, called),
        "families": _families(evaluation.correctness) if evaluation and evaluation.correctness else [],
        "deterministic": _deterministic(evaluation),
        "metrics": metric_tables(parent, attempt),
        "record": _record(attempt, called, price),
        "texts": _texts(attempt, parent),
        "same": bool(parent and parent.kernel_sha and parent.kernel_sha == attempt.kernel_sha),
    }


def _headline(evaluation: Evaluation, imported: bool) -> str:
    told = f", as the imported file tells it, {UNSEEN}" if imported else ""
    return headline(evaluation).plain + told


def _reason(attempt: Attempt) -> str:
    """Why the kernel, or the reply, failed; the decision's own reason is in the outcome."""
    if attempt.failure:
        return f"{attempt.failure.kind.value}: {one_line(attempt.failure.reason)}"
    return shown(attempt.evaluation.reason or "") if attempt.evaluation else ""


def _floor(evaluation: Evaluation | None) -> str:
    if evaluation is None or evaluation.floor_ms is None:
        return ""
    floor = evaluation.floor_ms
    here = f"{milliseconds(floor.device)} on this card, " if floor.device is not None else ""
    return f"{here}{milliseconds(floor.target)} on the {one_line(evaluation.target)}"


def _notes(attempt: Attempt) -> list[tuple[str, str]]:
    """Kind and sentence: the defence that refused it, promises that it broke, warnings."""
    evaluation = attempt.evaluation
    notes = (
        [("refused by the defence", evaluation.refused_by)] if evaluation and evaluation.refused_by else []
    )
    broken = attempt.decision.broken_promises if attempt.decision else []
    warnings = evaluation.warnings if evaluation else []
    said = [*(("broken promise", line) for line in broken), *(("warning", line) for line in warnings)]
    return [(kind, one_line(line)) for kind, line in (*notes, *said)]


def _timing(attempt: Attempt, called: Mapping[str, str]) -> dict[str, Any] | None:
    timing = attempt.evaluation.timing if attempt.evaluation else None
    if timing is None:
        return None
    parts = [plural(timing.pairs, "pair") + " of fresh processes"]
    if timing.discarded:
        parts.append(f"{timing.discarded} thrown away because the card throttled")
    if timing.noise_floor is not None:
        parts.append(f"noise floor {timing.noise_floor:.2%}")
    return {
        "said": ", ".join(parts),
        "pictures": pairs_pictures(timing, baseline(timing, called), gain(attempt, called)),
    }


def _families(correctness: Correctness) -> list[dict[str, Any]]:
    rows = []
    for name, family in correctness.families.items():
        word = "ok" if family.passed else "outside"
        rows.append(
            {
                "inputs": one_line(name, 40),
                "error": "not finite" if family.error is None else f"{family.error:.2g}",
                "budget": f"{family.budget:.2g}",
                "said": word if family.required else f"{word} (reported only)",
                "tone": "good" if family.passed else "bad" if family.required else "quiet",
            }
        )
    return rows


def _deterministic(evaluation: Evaluation | None) -> str:
    same = evaluation.correctness.deterministic if evaluation and evaluation.correctness else None
    if same is None:
        return ""
    return (
        "Repeated runs on one input were bitwise equal." if same else "Repeated runs on one input differed."
    )


def _record(attempt: Attempt, called: Mapping[str, str], price: Price) -> list[tuple[str, Pairs]]:
    """Headings with pairs: where the attempt came from, what it cost, where it was judged."""
    parts = [
        ("attempt", _attempt(attempt, called)),
        ("reply", _reply(attempt, price)),
        ("judged", _judged(attempt.evaluation)),
    ]
    return [(name, pairs) for name, pairs in parts if pairs]


def _attempt(attempt: Attempt, called: Mapping[str, str]) -> Pairs:
    first = called.get(attempt.kernel_sha or "")
    return said(
        [
            ("begun", f"{attempt.created:%Y-%m-%d %H:%M:%S} UTC"),
            ("kind", attempt.kind.value),
            ("sample", str(attempt.sample) if attempt.sample else None),
            ("template", attempt.template),
            ("template SHA-256", attempt.template_sha),
            ("prompt SHA-256", attempt.prompt_sha),
            ("kernel SHA-256", attempt.kernel_sha),
            ("first seen in", first if first != attempt.id else None),
            ("took", seconds(attempt.seconds)),
        ]
    )


def _reply(attempt: Attempt, price: Price) -> Pairs:
    reply = attempt.reply
    if reply is None:
        return []
    cost = usd([reply], price)
    prompt, completion = reply.usage.prompt_tokens, reply.usage.completion_tokens
    return said(
        [
            ("provider", reply.provider),
            ("model", reply.model),
            ("prompt tokens", None if prompt is None else f"{prompt:,}"),
            ("completion tokens", None if completion is None else f"{completion:,}"),
            ("cost", None if cost is None else f"{cost:.4f} USD"),
            ("latency", None if reply.latency_s is None else seconds(reply.latency_s)),
            ("finished", reply.finish_reason),
            *((name, str(value)) for name, value in reply.parameters.items()),
        ]
    )


def _judged(evaluation: Evaluation | None) -> Pairs:
    if evaluation is None:
        return []
    phases = ", ".join(f"{name} {seconds(value)}" for name, value in evaluation.seconds.items())
    return said(
        [
            (
                "where",
                "offline, nothing was measured"
                if evaluation.provenance == "estimated"
                else evaluation.device,
            ),
            ("made for", evaluation.target),
            ("sandbox", evaluation.sandbox),
            ("phases", phases),
            *evaluation.environment.items(),
        ]
    )


def _texts(attempt: Attempt, parent: Attempt | None) -> dict[str, str]:
    keys = {
        "diff": diff_key(attempt, parent),
        "code": code_key(attempt),
        "prompt": prompt_key(attempt),
        "reply": reply_key(attempt),
    }
    return {name: key for name, key in keys.items() if key}
