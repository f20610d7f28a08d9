"""Two attempts side by side: the code's difference, then how each kernel's metrics changed."""

from __future__ import annotations

import difflib
from typing import Any

from kernelwright.evaluator.evaluation import Evaluation, KernelProfile
from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ..record import Attempt
from .lineage import attempt_json
from .text import metric, one_line, plain, time_of

Change = tuple[float | None, float | None]


def code_diff(before: str, after: str, name_before: str, name_after: str) -> str:
    """A unified diff, exact, as ``patch`` reads it."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name_before, name_after)
    ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(ended)


def metric_changes(before: Evaluation | None, after: Evaluation | None) -> dict[str, dict[str, Change]]:
    """Kernel → metric → (before, after), with None where one side has no such kernel or metric."""
    old, new = _facts(before), _facts(after)
    kernels = dict.fromkeys([*new, *old])
    changes: dict[str, dict[str, Change]] = {}
    for kernel in kernels:
        left, right = old.get(kernel, {}), new.get(kernel, {})
        changes[kernel] = {name: (left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])}
    return changes


def _facts(evaluation: Evaluation | None) -> dict[str, dict[str, float]]:
    return {kernel.name: _numbers(kernel) for kernel in evaluation.kernels} if evaluation else {}


def _numbers(kernel: KernelProfile) -> dict[str, float]:
    x, y, z = kernel.grid
    facts: dict[str, float] = {"programs": x * y * z, "launches": kernel.launches}
    if kernel.duration_ms is not None:
        facts["duration_ms"] = kernel.duration_ms
    if kernel.time_share is not None:
        facts["time_share"] = kernel.time_share
    numbers = {
        k: float(v)
        for k, v in kernel.config.items()
        if isinstance(v, int | float) and not isinstance(v, bool)
    }
    return {**facts, **numbers, **kernel.metrics}


def highlighted(diff: str) -> RenderableType:
    """The diff in colours, for a terminal."""
    return (
        Syntax(plain(diff), "diff", theme="ansi_dark", background_color="default", word_wrap=True)
        if diff
        else Text("same source")
    )


def changes(before: Attempt, after: Attempt) -> RenderableType:
    """Times, then each kernel's metrics before and after; equal ones are left out."""
    head = Text(
        f"{before.id} {time_of(before.evaluation)} → {after.id} {time_of(after.evaluation)}", style="bold"
    )
    parts: list[RenderableType] = [head]
    if why := not_comparable(before.evaluation, after.evaluation):
        parts.append(Text(why, style="yellow"))
    estimated = any(side.evaluation and side.evaluation.provenance == "estimated" for side in (before, after))
    for kernel, metrics in metric_changes(before.evaluation, after.evaluation).items():
        table = _table(one_line(kernel, 60), metrics, estimated)
        parts.append(table if table.row_count else Text(f"{one_line(kernel, 60)}: metrics unchanged"))
    return Group(*parts)


def not_comparable(before: Evaluation | None, after: Evaluation | None) -> str:
    """Why two verdicts' numbers do not compare, or nothing."""
    if before is None or after is None or _place(before) == _place(after):
        return ""
    return f"not comparable: {_place(before)} against {_place(after)}"


def _place(evaluation: Evaluation) -> str:
    return f"{evaluation.provenance} on {one_line(evaluation.device)}"


def _table(kernel: str, metrics: dict[str, Change], estimated: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(Text(f"{kernel} (estimated)" if estimated else kernel), no_wrap=True)
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right")
    for name, (old, new) in metrics.items():
        if old != new:
            table.add_row(Text(one_line(name, 80)), *_cells(name, old, new), relative(old, new))
    return table


def _cells(name: str, old: float | None, new: float | None) -> list[str]:
    return ["—" if value is None else shown(name, value) for value in (old, new)]


def shown(name: str, value: float) -> str:
    """A value as a comparison shows it."""
    return f"{value:.1%}" if name == "time_share" else metric(name, value)


def relative(old: float | None, new: float | None) -> str:
    """``+12.5%``, or nothing where there is no such number."""
    return "" if old is None or new is None or old == 0 else f"{(new - old) / abs(old):+.1%}"


def diff_json(before: Attempt, after: Attempt, diff: str) -> dict[str, Any]:
    """The comparison as data."""
    changed = metric_changes(before.evaluation, after.evaluation)
    return {
        "before": attempt_json(before),
        "after": attempt_json(after),
        "diff": diff,
        "metrics": {
            kernel: {name: {"before": old, "after": new} for name, (old, new) in metrics.items()}
            for kernel, metrics in changed.items()
        },
    }
