"""The table of `bench` as it was agreed on: good and bad cases, wide and narrow, on a card and without one."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from kernelwright.agent.suite.rows import Entry, Place, Row
from kernelwright.agent.views.suite import suite, suite_json, words
from kernelwright.evaluator.evaluation import Estimate, Status
from rich.console import Console
from sample_campaigns import HOSTILE
from syrupy.assertion import SnapshotAssertion

CARD = Place(device="NVIDIA H200", target="h200", driver="580.1", torch="2.11.0", triton="3.6.0")
NO_CARD = Place(device="offline", target="rtx-4090", driver=None, torch="2.13.0", triton="3.7.1")
FLOOR = 0.119


def timed(name: Any, ms: float, **changes: Any) -> Entry:
    gain = 8.34 / ms
    values: dict[str, Any] = {
        "median_ms": ms,
        "speedup": gain,
        "speedup_ci95": (gain * 0.996, gain * 1.004),
        "rounds": 5,
        "fraction_of_floor": FLOOR / ms,
    }
    if name in ("seed", "best"):
        values |= {"kernel": f"sha of {name}", "status": Status.PASSED, "origin": "seed.py", "place": "task"}
    if name == "best":
        values |= {"origin": "yhyt.5", "place": "campaigns.db"}
    return Entry(name=name, **{**values, **changes})


def row(name: str, *entries: Entry, place: Place = CARD, **changes: Any) -> Row:
    """All four contenders; those that are not given are not there."""
    given = {entry.name: entry for entry in entries}
    every = [
        given.get(one, Entry(name=one, reason=_absent(one))) for one in ("eager", "compile", "seed", "best")
    ]
    values: dict[str, Any] = {
        "sandbox": "bubblewrap",
        "floor_ms": FLOOR,
        "seconds": {"start": 61.2},
        **changes,
    }
    when = datetime(2025, 1, 1, tzinfo=UTC)
    return Row(task=name, name=name, reference="ref", place=place, when=when, contenders=every, **values)


def _absent(name: str) -> str:
    return {"seed": "the task has none", "best": "none measured in campaigns.db"}.get(name, "needs a card")


def refused(name: Any, status: Status, reason: str) -> Entry:
    return timed(
        name,
        1.0,
        **dict.fromkeys(("median_ms", "speedup", "speedup_ci95", "fraction_of_floor")),
        status=status,
        reason=reason,
    )


TORCH = (timed("eager", 8.34), timed("compile", 0.320))
MEASURED = [
    row("layer_norm", *TORCH, timed("seed", 3.94), timed("best", 0.209)),
    row("refused_best", *TORCH, timed("seed", 8.30), refused("best", Status.INCORRECT, f"wrong {HOSTILE}")),
    row("no_best", *TORCH, timed("seed", 0.330)),
    row("no_seed", *TORCH),
    row(
        "no_compile",
        TORCH[0],
        Entry(name="compile", reason="killed: no memory"),
        timed("seed", 3.94),
        timed("best", 2.0),
    ),
    row(
        "changed",
        *TORCH,
        timed("best", 0.3),
        stale=f"its task.toml has changed; another kernel is the best known, a.1 of {HOSTILE}",
    ),
    row("slower_than_both", *TORCH, timed("seed", 3.94), timed("best", 8.9)),
    row(
        "unproven",
        failure="task 'unproven' proves nothing: its check lets zeros pass",
        floor_ms=None,
        sandbox=None,
    ),
]
ESTIMATE = Estimate(ms=2.04, range_ms=(1.36, 3.06))
NEITHER = dict.fromkeys(("median_ms", "speedup", "speedup_ci95", "fraction_of_floor"))
OFFLINE = [
    row("layer_norm", timed("seed", 1.0, **NEITHER, estimate=ESTIMATE), place=NO_CARD, floor_ms=0.566),
    row(
        "matmul",
        timed("seed", 1.0, **NEITHER, warnings=["no estimate: its accesses could not be counted"]),
        refused("best", Status.UNCHECKED, "it has a barrier").model_copy(update={"estimate": ESTIMATE}),
        place=NO_CARD,
        floor_ms=0.566,
    ),
]


def shown(rows: list[Row], width: int) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False).print(suite(rows))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 150])
@pytest.mark.parametrize(
    "rows", [MEASURED, OFFLINE, [MEASURED[0], *OFFLINE[:1]]], ids=["card", "offline", "both"]
)
def test_the_table(rows: list[Row], width: int, snapshot: SnapshotAssertion) -> None:
    text = shown(rows, width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "\x1b" not in text
    assert text == snapshot


def test_a_row_on_one_line(snapshot: SnapshotAssertion) -> None:
    assert [words(row) for row in [*MEASURED, *OFFLINE]] == snapshot


def test_only_what_a_card_timed_has_figures() -> None:
    data = suite_json([*MEASURED, *OFFLINE])
    assert data["schema"] == 1 and len(data["tasks"]) == len(MEASURED) + len(OFFLINE)
    assert [one["place"]["device"] for one in data["figures"]] == ["NVIDIA H200"]
