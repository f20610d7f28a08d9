"""Each kernel's metrics before and after, as the page shows them. Pure."""

from __future__ import annotations

from typing import Any

from kernelwright.evaluator.evaluation import Evaluation

from ..record import Attempt
from ..views.compare import Change, better, metric_changes, not_comparable, relative, shown
from ..views.text import one_line
from ..views.verdict import missing_everywhere


def metric_tables(before: Attempt | None, after: Attempt) -> dict[str, Any] | None:
    """A table for each kernel of either side; None where the attempt has no kernels to tell of.

    Where there is no parent to compare with, only the values after are there.
    """
    evaluation = after.evaluation
    if evaluation is None or not evaluation.kernels:
        return None
    old = before.evaluation if before and before.evaluation and before.evaluation.kernels else None
    why = not_comparable(old, evaluation)
    return {
        "against": one_line(before.id) if before and old else None,
        "estimated": evaluation.provenance == "estimated",
        "mixed": why,
        "kernels": [
            {
                "name": one_line(name, 80),
                "grid": _grids(old, evaluation, name),
                "rows": _rows(changes, judged=not why),
            }
            for name, changes in metric_changes(old, evaluation).items()
        ],
        "missing": missing_everywhere(evaluation.kernels),
    }


def _grids(before: Evaluation | None, after: Evaluation, name: str) -> str:
    sides = [_grid(side, name) for side in (before, after) if side]
    return " → ".join(dict.fromkeys(sides))


def _grid(evaluation: Evaluation, name: str) -> str:
    found = next((kernel for kernel in evaluation.kernels if kernel.name == name), None)
    return "×".join(map(str, found.grid)) if found else "not there"


def _rows(changes: dict[str, Change], judged: bool) -> list[dict[str, Any]]:
    return [
        {
            "name": one_line(name, 80),
            "before": "—" if old is None else shown(name, old),
            "after": "—" if new is None else shown(name, new),
            "change": "" if old == new else relative(old, new),
            "tone": _tone(name, old, new) if judged else "",
            "equal": old == new,
        }
        for name, (old, new) in changes.items()
    ]


def _tone(name: str, old: float | None, new: float | None) -> str:
    """Whether the change is for the better, where the metric alone says so."""
    if old is None or new is None or old == new:
        return ""
    return {True: "good", False: "bad", None: ""}[better(name, old, new)]
