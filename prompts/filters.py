"""How values are written into a prompt: fences that hold, readable numbers, metrics as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any


def fence(text: str, language: str = "") -> str:
    """``text`` in a code fence that nothing inside can close: longer than its longest run of backticks.

    What stands between the fence's two lines is the text itself, with a newline at its end if it had none.
    """
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    body = text if text.endswith("\n") else text + "\n"
    return f"{ticks}{language}\n{body}{ticks}"


def inline(text: str) -> str:
    """``text`` on one line, so that it can't begin a fence, a heading or a list."""
    return " ".join(text.split())


def number(value: float) -> str:
    """A count or rate with at most two decimals: ``1008``, ``82.6``."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def milliseconds(value: float) -> str:
    """A time in four significant digits: ``3.793``, ``0.1319``."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def ratio(value: float) -> str:
    """A quotient of two times: ``1.08``, ``29.2``."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def metric_value(name: str, value: float) -> int | float:
    """A metric as the JSON shows it: percentages with two decimals, whole counts as integers."""
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value}, which is no number: leave it out and name it as missing")
    is_percentage = name.endswith(".pct") or ".pct_of_peak" in name
    return int(value) if value == int(value) and not is_percentage else round(float(value), 2)


def metrics_json(kernels: Sequence[Mapping[str, Any]]) -> str:
    """Kernel name → metric → value: time share and duration first, then the metrics in their order."""
    labels = _labels([str(kernel["name"]) for kernel in kernels])
    rows = {label: _row(kernel) for label, kernel in zip(labels, kernels, strict=True)}
    return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False)


def _row(kernel: Mapping[str, Any]) -> dict[str, int | float]:
    row: dict[str, int | float] = {}
    if kernel["time_share"] is not None:
        row["time_share_pct"] = round(100 * kernel["time_share"], 2)
    if kernel["duration_ms"] is not None:
        row["duration_ms"] = float(f"{kernel['duration_ms']:.4g}")
    return row | {name: metric_value(name, value) for name, value in kernel["metrics"].items()}


def _labels(names: Sequence[str]) -> list[str]:
    """The names, told apart where a kernel stands there twice: ``scale``, ``scale #2``."""
    labels: list[str] = []
    for name in names:
        free = (f"{name} #{n}" for n in count(2))
        labels.append(name if name not in labels else next(label for label in free if label not in labels))
    return labels


def missing_lines(kernels: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each metric and reason, with the kernels that lack it: ``metric (a, b): reason``."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for label, kernel in zip(_labels([str(k["name"]) for k in kernels]), kernels, strict=True):
        for metric, reason in kernel["missing"].items():
            lacking.setdefault((metric, inline(reason)), []).append(label)
    return [f"{metric} ({', '.join(labels)}): {reason}" for (metric, reason), labels in lacking.items()]


def launch_lines(kernels: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each kernel whose launch is known: grid, number of launches, constants."""
    labels = _labels([str(kernel["name"]) for kernel in kernels])
    lines = [(label, _launch(kernel)) for label, kernel in zip(labels, kernels, strict=True)]
    return [f"{label}: {launch}" for label, launch in lines if launch]


def _launch(kernel: Mapping[str, Any]) -> str:
    parts = []
    if kernel["grid"] is not None:
        parts.append(f"grid ({', '.join(str(axis) for axis in kernel['grid'])})")
    if (kernel["launches"] or 1) > 1:
        parts.append(f"{kernel['launches']} launches")
    parts += [f"{name}={value}" for name, value in kernel["config"].items()]
    return ", ".join(parts)


def tensor(fact: Mapping[str, Any]) -> str:
    """A tensor in words: ``x: float32 (16, 64, 256, 256)``."""
    return (
        f"`{inline(str(fact['name']))}`: {fact['dtype']} ({', '.join(str(axis) for axis in fact['shape'])})"
    )


FILTERS = {
    "fence": fence,
    "inline": inline,
    "number": number,
    "milliseconds": milliseconds,
    "ratio": ratio,
    "metrics_json": metrics_json,
    "missing_lines": missing_lines,
    "launch_lines": launch_lines,
    "tensor": tensor,
}
