"""Two attempts side by side: what came of the later one, the code's difference, how metrics changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from kernelwright.evaluator import metrics as ncu
from kernelwright.evaluator.evaluation import Evaluation, KernelProfile
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Attempt
from .attempt import gain
from .lineage import attempt_json, state
from .text import NOBODY, metric, milliseconds, one_line, plural
from .timing import time_with_interval

Change = tuple[float | None, float | None]
_LESS_IS_BETTER = {
    "duration_ms",
    ncu.DURATION,
    ncu.STALL_LONG_SCOREBOARD,
    ncu.STALL_SHORT_SCOREBOARD,
    ncu.STALL_BARRIER,
}
_TWICE = {ncu.DURATION: "duration_ms", ncu.GRID_SIZE: "programs"}
"""Metrics that say what a fact of the launch says."""
_MORE_IS_BETTER = {ncu.LOAD_EFFICIENCY, ncu.STORE_EFFICIENCY}


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


def outcome(
    before: Attempt, after: Attempt, lines: tuple[int, int], names: Mapping[str, str] = NOBODY
) -> RenderableType:
    """Both times, the measured gain, and how many lines were added and removed; ``names`` is as in `views.text`."""
    parts = [_times(before, after)]
    if after.evaluation and (gained := gain(after, names)):
        parts.append(Text(f"{after.id} was measured at {gained}"))
    added, removed = lines
    return Group(*parts, Text(f"{plural(added, 'line')} added, {removed} removed"))


def changes(before: Attempt, after: Attempt) -> RenderableType:
    """Each kernel's metrics before and after; those that are shown equal are left out.

    Green is better and red is worse, where the metric alone says which. A kernel that was never profiled
    has not lost the other's launches, so a side without metrics is named instead.
    """
    unknown = [side for side in (before, after) if side.evaluation is None or not side.evaluation.kernels]
    if unknown:
        return Group(*(Text(f"no metrics of {side.id} ({state(side)})") for side in unknown))
    why = not_comparable(before.evaluation, after.evaluation)
    parts = [Text(why, style="yellow")] if why else []
    return Group(*parts, *_kernels(before.evaluation, after.evaluation, judged=not why))


def _times(before: Attempt, after: Attempt) -> Text:
    sides = (f"{side.id} {time_with_interval(side.evaluation)}" for side in (before, after))
    return Text(" → ".join(sides), style="bold")


def _kernels(before: Evaluation | None, after: Evaluation | None, judged: bool) -> Iterator[RenderableType]:
    """A table for each kernel of both sides, and a line for each that came or went."""
    old, new = _profiles(before), _profiles(after)
    estimated = any(side is not None and side.provenance == "estimated" for side in (before, after))
    for name, metrics in metric_changes(before, after).items():
        if before is None or after is None:
            continue
        if name in old and name in new:
            table = _table(one_line(name, 60), metrics, estimated, judged)
            yield table if table.row_count else Text(f"{one_line(name, 60)}: metrics unchanged")
        elif name in new:
            yield Text().append("+ ", style="bold green").append(_about(new[name], "new", estimated))
        else:
            yield Text().append("- ", style="bold red").append(_about(old[name], "gone", estimated))


def _profiles(evaluation: Evaluation | None) -> dict[str, KernelProfile]:
    return {kernel.name: kernel for kernel in evaluation.kernels} if evaluation else {}


def _about(kernel: KernelProfile, word: str, estimated: bool) -> str:
    """``final: gone, 3.74 ms, 98.3% of the time, grid 16×1×1``."""
    parts = [word]
    if kernel.duration_ms is not None:
        parts.append(milliseconds(kernel.duration_ms) + (" est." if estimated else ""))
    if kernel.time_share is not None:
        parts.append(f"{kernel.time_share:.1%} of the time")
    parts.append("grid " + "×".join(map(str, kernel.grid)))
    return f"{one_line(kernel.name, 60)}: {', '.join(parts)}"


def not_comparable(before: Evaluation | None, after: Evaluation | None) -> str:
    """Why two verdicts' numbers do not compare, or nothing."""
    if before is None or after is None or _place(before) == _place(after):
        return ""
    return f"not comparable: {_place(before)} against {_place(after)}"


def _place(evaluation: Evaluation) -> str:
    return f"{evaluation.provenance} on {one_line(evaluation.device)}"


def _table(kernel: str, metrics: dict[str, Change], estimated: bool, judged: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(Text(f"{kernel} (estimated)" if estimated else kernel), overflow="fold")
    for name in ("before", "after", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    cells = {name: _cells(name, *values) for name, values in metrics.items()}
    for name, (old, new) in metrics.items():
        twice = name in _TWICE and cells[name] == cells.get(_TWICE[name])
        if cells[name][0] != cells[name][1] and not twice:
            change = Text(relative(old, new), style=_style(name, old, new) if judged else "")
            table.add_row(Text(one_line(name, 80)), *cells[name], change)
    return table


def _cells(name: str, old: float | None, new: float | None) -> list[str]:
    return ["—" if value is None else shown(name, value) for value in (old, new)]


def better(name: str, old: float, new: float) -> bool | None:
    """Whether the change is for the better; None for a metric that does not say so by itself.

    Less time and fewer stalls are better, and so are more useful bytes in each sector. Throughput, occupancy
    and hit rates are not judged: a kernel that moves fewer bytes has less of them and may be faster.
    """
    if name in _LESS_IS_BETTER:
        return new < old
    return new > old if name in _MORE_IS_BETTER else None


def _style(name: str, old: float | None, new: float | None) -> str:
    verdict = None if old is None or new is None or old == new else better(name, old, new)
    return "" if verdict is None else "green" if verdict else "red"


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
