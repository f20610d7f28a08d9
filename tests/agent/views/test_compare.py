"""How metrics changed: which way is better where that is certain, and kernels that came or went."""

from __future__ import annotations

import io

import pytest
from kernelwright.agent.views.compare import better, changes
from kernelwright.evaluator import metrics as ncu
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
    assert "+ merged: new, 0.08 ms, 25.0% of the time, grid 16×4096×1" in lines
    assert "- final: gone, 3.48 ms, 90.0% of the time, grid 16×4096×1" in lines
    assert not any(line.startswith(("merged", "final")) for line in lines)


def test_without_a_verdict_there_are_no_kernels_to_compare() -> None:
    record = measured_record()
    record.attempts[1].evaluation = None
    assert shown(*record.attempts).split() == ["meas.0", "3.87", "ms", "→", "meas.1", "—"]
