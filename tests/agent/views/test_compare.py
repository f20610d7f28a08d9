"""How metrics changed: which way is better where that is certain, and kernels that came or went."""

from __future__ import annotations

import io

import pytest
from kernelwright.agent.views.compare import better, changes, outcome
from kernelwright.agent.views.lineage import names
from kernelwright.evaluator import metrics as ncu
from kernelwright.evaluator.evaluation import Status
from rich.console import Console
from sample_campaigns import measured_record, offline_record, profile


def shown(*attempts: object, colour: bool = False) -> str:
    file = io.StringIO()
    system = "standard" if colour else None
    console = Console(
        file=file, width=130, highlight=False, markup=False, color_system=system, force_terminal=colour
    )  # type: ignore[arg-type]
    console.print(changes(*attempts))  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("duration_ms", True, False),
        (ncu.DURATION, True, False),
        (ncu.STALL_BARRIER, True, False),
        (ncu.LOAD_EFFICIENCY, False, True),
        (ncu.DRAM_THROUGHPUT, None, None),
        (ncu.WARPS_ACTIVE, None, None),
        (ncu.L2_HIT, None, None),
        ("launch__registers_per_thread", None, None),
        ("num_warps", None, None),
    ],
)
def test_better_is_said_only_where_it_is_certain(name: str, less: bool | None, more: bool | None) -> None:
    assert (better(name, 2.0, 1.0), better(name, 1.0, 2.0)) == (less, more)


def test_better_is_green_and_worse_is_red() -> None:
    record = measured_record()
    assert "\x1b[32m-91" in shown(record.attempts[0], record.attempts[1], colour=True)
    assert "\x1b[31m+1117" in shown(record.attempts[1], record.attempts[0], colour=True)


def test_numbers_that_do_not_compare_have_no_colour() -> None:
    output = shown(measured_record().attempts[0], offline_record().attempts[1], colour=True)
    assert "not comparable" in output
    assert "\x1b[32m" not in output and "\x1b[31m" not in output


def test_kernels_that_came_or_went_are_named_as_such() -> None:
    record = measured_record()
    found = record.attempts[1].evaluation
    assert found is not None
    found.kernels = [found.kernels[0], profile("merged", 0.25, 0.08)]
    lines = [line.rstrip() for line in shown(*record.attempts).splitlines()]
    assert "+ merged: new, 0.0800 ms, 25.0% of the time, grid 16×4096×1" in lines
    assert "- final: gone, 3.48 ms, 90.0% of the time, grid 16×4096×1" in lines
    assert not any(line.startswith(("merged", "final")) for line in lines)


def test_without_a_verdict_there_are_no_kernels_to_compare() -> None:
    record = measured_record()
    record.attempts[1].evaluation = None
    assert shown(*record.attempts).strip() == "no metrics of meas.1 (duplicate)"


@pytest.mark.parametrize("side", [0, 1], ids=["the earlier", "the later"])
def test_a_kernel_that_was_never_profiled_neither_lost_nor_gained_a_launch(side: int) -> None:
    record = measured_record()
    found = record.attempts[side].evaluation
    assert found is not None
    found.status, found.kernels = Status.INCORRECT, []
    assert shown(*record.attempts).strip() == f"no metrics of meas.{side} (incorrect)"


def test_what_is_shown_equal_is_no_change_and_nothing_is_said_twice() -> None:
    record = measured_record()
    old, new = (attempt.evaluation for attempt in record.attempts)
    assert old is not None and new is not None
    old.kernels = [profile("k", 1.0, 0.4, **{ncu.DURATION: 400_000.0, ncu.L2_HIT: 65.31, "num_stages": 1.0})]
    new.kernels = [profile("k", 1.0, 0.3, **{ncu.DURATION: 300_000.0, ncu.L2_HIT: 65.29, "num_stages": 2.0})]
    new.kernels[0].grid = (32, 4096, 1)
    new.kernels[0].metrics[ncu.GRID_SIZE] = 131072.0
    names = [line.split()[0] for line in shown(*record.attempts).splitlines()[1:]]
    assert names == ["programs", "duration_ms", "num_stages"]


def test_a_metric_that_contradicts_the_launch_is_shown() -> None:
    record = measured_record()
    new = record.attempts[1].evaluation
    assert new is not None
    new.kernels[0].metrics[ncu.GRID_SIZE] = 7.0
    assert ncu.GRID_SIZE in shown(*record.attempts)


def test_the_outcome_counts_lines() -> None:
    record = measured_record()
    file = io.StringIO()
    Console(file=file, width=130, color_system=None).print(outcome(*record.attempts, (3, 1), names(record)))
    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "meas.0 3.87 ms → meas.1 0.318 ms",
        "meas.1 was measured at 12.2× [11.9, 12.4] over meas.0",
        "3 lines added, 1 removed",
    ]
