from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator import metrics
from kernelwright.evaluator.gpus import gpu, gpus
from kernelwright.evaluator.launches import Launch
from kernelwright.evaluator.offline.occupancy import launch_metrics, occupancy

NCU_FILE = Path(__file__).parents[1] / "data" / "ncu-2025.3.1-h200-two-stage-layer-norm.csv"


def a_launch(
    grid: tuple[int, int, int] = (4096, 1, 1), warps: int = 4, registers: int = 32, shared: int = 0
) -> Launch:
    return Launch(
        kernel="k", grid=grid, num_warps=warps, num_stages=3, registers=registers, shared_bytes=shared
    )


def ncu_rows() -> list[dict[str, str]]:
    lines = NCU_FILE.read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith('"ID"'))
    return [row for row in csv.DictReader(lines[start:]) if row["ID"]]


def number(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize("row", ncu_rows(), ids=lambda row: f"{row['ID']}-{row['Kernel Name'][:20]}")
def test_agrees_with_what_ncu_reported_on_an_h200(row: dict[str, str]) -> None:
    x, y, z = (int(number(row[f"launch__grid_dim_{axis}"])) for axis in "xyz")
    warps = int(number(row[metrics.BLOCK_SIZE])) // 32
    launch = a_launch((x, y, z), warps, int(row[metrics.REGISTERS]), int(number(row[metrics.SHARED_DYNAMIC])))
    said = launch_metrics(launch, gpu("h200"))
    warps_active = said.pop(metrics.WARPS_ACTIVE)
    for name, value in said.items():
        assert round(value, 2) == number(row[name]), name
    assert warps_active == pytest.approx(number(row[metrics.WARPS_ACTIVE]), rel=0.11)


def test_registers_are_given_out_per_warp_from_four_files() -> None:
    # 38 registers round up to 1280 a warp: 12 warps in each file of 16384, where 65536 / 1280 would say 51.
    assert occupancy(a_launch(warps=1, registers=38), gpu("h200")).limit_registers == 32
    assert occupancy(a_launch(warps=2, registers=38), gpu("h200")).limit_registers == 24


def test_each_program_costs_a_kilobyte_of_shared_memory_more() -> None:
    with_all_of_it = a_launch(shared=99 * 1024)
    assert occupancy(with_all_of_it, gpu("rtx-4090")).blocks_per_sm == 1
    assert occupancy(a_launch(shared=50 * 1024), gpu("rtx-4090")).limit_shared == 1
    assert occupancy(a_launch(shared=49 * 1024), gpu("rtx-4090")).limit_shared == 2


def test_a_grid_smaller_than_the_card_leaves_warps_idle() -> None:
    few, many = a_launch((16, 1, 1)), a_launch((16, 4096, 1))
    assert occupancy(few, gpu("rtx-4090")).warps_active_pct == pytest.approx(8.33, abs=0.01)
    assert occupancy(few, gpu("rtx-4090")).active_sms == 16
    assert occupancy(many, gpu("rtx-4090")).warps_active_pct == 100


def test_a_cluster_counts_every_block_of_it() -> None:
    launch = a_launch((100, 1, 1)).model_copy(update={"num_ctas": 2})
    assert launch_metrics(launch, gpu("h200"))[metrics.GRID_SIZE] == 200


def test_what_was_not_recorded_is_left_out() -> None:
    launch = a_launch().model_copy(update={"registers": None, "shared_bytes": None})
    said = launch_metrics(launch, gpu("h200"))
    assert metrics.REGISTERS not in said
    assert metrics.LIMIT_SHARED not in said
    assert said[metrics.LIMIT_WARPS] == 16


@given(
    card=st.sampled_from(sorted(gpus())),
    warps=st.sampled_from([1, 2, 4, 8, 16, 32]),
    registers=st.integers(16, 255),
    shared=st.integers(0, 99 * 1024),
    programs=st.integers(1, 100_000),
)
def test_no_program_gains_room_by_taking_more(
    card: str, warps: int, registers: int, shared: int, programs: int
) -> None:
    less = occupancy(a_launch((programs, 1, 1), warps, registers, shared), gpu(card))
    more_registers = a_launch((programs, 1, 1), warps, min(registers + 8, 255), shared)
    more_shared = a_launch((programs, 1, 1), warps, registers, shared + 1024)
    assert occupancy(more_registers, gpu(card)).blocks_per_sm <= less.blocks_per_sm
    assert occupancy(more_shared, gpu(card)).blocks_per_sm <= less.blocks_per_sm
    assert less.blocks_per_sm * warps <= gpu(card).warps_per_sm_max
    assert 0 <= less.warps_active_pct <= less.theoretical_pct <= 100
