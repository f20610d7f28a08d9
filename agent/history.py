"""What the attempts of a stage did and what came of them, in sentences for the next prompt. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from kernelwright.evaluator.evaluation import Evaluation, KernelProfile, Scalar

from .brief import TriedAttempt
from .record import Attempt, AttemptKind, Record

Text = Callable[[str], str]
"""Source of the kernel with that SHA-256."""

DIFF_LINES_MAX = 30
"""Changed and context lines of a diff that is still worth its tokens."""


def stage_attempts(record: Record, stage: str, besides: str | None = None) -> list[Attempt]:
    """Finished attempts of one stage, in order, without the one called ``besides``.

    An offline find that was measured later stands there once, with its measurement.
    """
    tried = [a for a in record.attempts if a.stage == stage and a.id != besides and (a.done or a.failure)]
    measured = {a.kernel_sha for a in tried if a.kind is AttemptKind.REMEASURE}
    return [a for a in tried if a.kind is AttemptKind.REMEASURE or a.kernel_sha not in measured]


def tried(record: Record, text: Text, stage: str, besides: str | None = None) -> list[TriedAttempt]:
    """What a prompt says about the stage's earlier attempts."""
    return [_tried(record, text, attempt) for attempt in stage_attempts(record, stage, besides)]


def broken_promises(record: Record, stage: str) -> list[str]:
    """Every promise that an attempt of this stage broke, each sentence once, in order."""
    said = [line for a in stage_attempts(record, stage) if a.decision for line in a.decision.broken_promises]
    return list(dict.fromkeys(said))


def _tried(record: Record, text: Text, attempt: Attempt) -> TriedAttempt:
    parent = _parent(record, attempt)
    before = parent.evaluation if parent else None
    after = attempt.evaluation
    return TriedAttempt(
        attempt=without_campaign(attempt.id, attempt),
        outcome=without_campaign(outcome(attempt, parent), attempt),
        changes=launch_changes(before.kernels, after.kernels) if before and after else [],
        diff=_diff(text, parent, attempt),
    )


def _parent(record: Record, attempt: Attempt) -> Attempt | None:
    return next((a for a in record.attempts if a.id == attempt.parent), None)


def without_campaign(sentence: str, attempt: Attempt) -> str:
    """The sentence with ``attempt 3`` for ``abcd.3``: the same way through another campaign asks the same."""
    return re.sub(rf"\b{re.escape(attempt.campaign)}\.(\d+)\b", r"attempt \1", sentence)


def outcome(attempt: Attempt, parent: Attempt | None) -> str:
    """One sentence: status, speed relative to the parent, kept or why not."""
    if attempt.failure:
        return f"no kernel in the reply ({attempt.failure.kind}): {attempt.failure.reason}"
    evaluation, decision = attempt.evaluation, attempt.decision
    if evaluation is None:
        return decision.reason if decision else "not evaluated"
    if evaluation.ms is None:
        return f"{evaluation.status}: {evaluation.reason}"
    parts = [str(evaluation.status), speed(evaluation, parent)]
    if decision:
        parts.append("kept" if decision.accepted else f"not kept: {decision.reason}")
    return "; ".join(part for part in parts if part)


def speed(evaluation: Evaluation, parent: Attempt | None) -> str:
    """Time against the parent's: measured in pairs, or two estimates; only the own time when no pair fits."""
    timing, before = evaluation.timing, parent.evaluation if parent else None
    if timing and parent and timing.baseline == parent.kernel_sha:
        low, high = timing.speedup_ci95
        return f"{timing.speedup:.3f}× as fast as its parent (95 % interval {low:.3f} to {high:.3f})"
    if timing:
        against = _baseline(timing.baseline)
        return f"{timing.median_ms:.4g} ms measured, {timing.speedup:.3f}× as fast as {against}"
    if evaluation.estimate and before and before.estimate:
        return f"estimated {evaluation.estimate.ms:.4g} ms, its parent's estimate {before.estimate.ms:.4g} ms"
    return f"estimated {evaluation.estimate.ms:.4g} ms" if evaluation.estimate else ""


def _baseline(name: str) -> str:
    return {"eager": "PyTorch eager", "compile": "torch.compile"}.get(name, f"kernel {name[:12]}")


def launch_changes(before: Sequence[KernelProfile], after: Sequence[KernelProfile]) -> list[str]:
    """What differs between two kernels' launches: kernels that came or went, grids, constants, warps."""
    old, new = _by_label(before), _by_label(after)
    if not old or not new:
        return []
    gone = [f"{name} removed" for name in old if name not in new]
    come = [f"{name} added, grid {_grid(new[name])}" for name in new if name not in old]
    same = [line for name in old if name in new for line in _changes(name, old[name], new[name])]
    return gone + come + same


def _by_label(kernels: Sequence[KernelProfile]) -> dict[str, KernelProfile]:
    """Kernels by name; one that stands there with several grids or configurations gets numbers."""
    labelled: dict[str, KernelProfile] = {}
    for kernel in kernels:
        again = sum(known.name == kernel.name for known in labelled.values())
        labelled[f"{kernel.name} #{again + 1}" if again else kernel.name] = kernel
    return labelled


def _changes(label: str, old: KernelProfile, new: KernelProfile) -> list[str]:
    pairs: list[tuple[str, Scalar, Scalar]] = [("launches", old.launches, new.launches)]
    names = dict.fromkeys([*old.config, *new.config])
    pairs += [(name, old.config.get(name, "none"), new.config.get(name, "none")) for name in names]
    lines = [f"{label}: {name} {a} → {b}" for name, a, b in pairs if a != b]
    grid = [f"{label}: grid {_grid(old)} → {_grid(new)}"] if old.grid != new.grid else []
    return grid + lines


def _grid(kernel: KernelProfile) -> str:
    return f"({', '.join(str(axis) for axis in kernel.grid)})"


def _diff(text: Text, parent: Attempt | None, attempt: Attempt) -> str | None:
    """The change to the source when it is short; None when it is long, absent or empty."""
    if not parent or not parent.kernel_sha or not attempt.kernel_sha:
        return None
    return _short_diff(text(parent.kernel_sha), text(attempt.kernel_sha))


@lru_cache(maxsize=512)
def _short_diff(old: str, new: str) -> str | None:
    # Kept, since every prompt of a stage shows all that was tried before, and comparing is what takes the time.
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    lines = list(found)[2:]  # without the names of the files
    return "\n".join(lines) + "\n" if 0 < len(lines) <= DIFF_LINES_MAX else None
