"""ncu's raw page: a real file, and what can be wrong with one."""

from pathlib import Path

import pytest
from kernelwright.evaluator.metrics import DURATION, METRICS
from kernelwright.evaluator.ncu import NcuUnreadable, parse_raw_csv, shares

REAL = (Path(__file__).parent / "data" / "ncu-2025.3.1-h200-two-stage-layer-norm.csv").read_text()


def test_every_launch_of_a_real_file_is_read_in_order():
    rows = parse_raw_csv(REAL, METRICS)
    assert [row.kernel for row in rows[2:]] == [
        "layer_norm_forward_partial_kernel",
        "layer_norm_forward_final_kernel",
    ]
    assert rows[2].grid == (16, 4096, 1)
    assert rows[2].block == (128, 1, 1)


def test_thousands_separators_and_the_units_row_do_not_confuse_it():
    final = parse_raw_csv(REAL, METRICS)[3]
    assert final.metrics[DURATION] == 3_791_360
    assert final.metrics["launch__registers_per_thread"] == 38


def test_the_final_kernel_takes_almost_all_of_the_time():
    rows = parse_raw_csv(REAL, METRICS)
    known = shares(rows, DURATION)
    assert sum(s for s in known if s is not None) == pytest.approx(1)
    assert known[3] == pytest.approx(0.983, abs=0.001)


def test_a_metric_that_did_not_come_back_is_named_with_its_reason():
    asked = (*METRICS, "smsp__warp_issue_stalled_memory_dependency_per_warp_active.pct")
    row = parse_raw_csv(REAL, asked)[2]
    assert "does not know" in row.missing["smsp__warp_issue_stalled_memory_dependency_per_warp_active.pct"]
    assert set(row.metrics) | set(row.missing) == set(asked)


def test_a_counter_that_came_back_nan_is_missing():
    table = '"ID","Kernel Name","Block Size","Grid Size","m"\n"","","","","%"\n"0","k","(1, 1, 1)","(2, 1, 1)","nan"\n'
    (row,) = parse_raw_csv(table, ("m",))
    assert row.metrics == {}
    assert "nan" in row.missing["m"]


def test_errors_of_the_tool_are_repeated():
    with pytest.raises(NcuUnreadable, match="ERR_NVGPUCTRPERM"):
        parse_raw_csv("==ERROR== ERR_NVGPUCTRPERM - no permission\n", METRICS)


def test_no_table_is_said():
    with pytest.raises(NcuUnreadable, match="no table"):
        parse_raw_csv("==PROF== Connected\n", METRICS)


def test_times_without_a_duration_have_no_share():
    rows = parse_raw_csv(REAL, ("launch__grid_size",))
    assert shares(rows, DURATION) == [None] * 4
