"""Stage files: what they must say, and what is said about a bad one."""

from __future__ import annotations

import pytest
from kernelwright.evaluator import metrics
from kernelwright.stages import PLAN, Stage, StageError, UnknownStage, parse_stage, stage, stages

FIVE = [
    metrics.SM_THROUGHPUT,
    metrics.GRID_SIZE,
    metrics.WARPS_ACTIVE,
    metrics.DRAM_THROUGHPUT,
    metrics.L2_HIT,
]

GOOD = """
title = "T"
focus = "F"
[[metrics]]
name = "launch__grid_size"
[[skip_when]]
metric = "lts__t_sector_hit_rate.pct"
op = ">="
value = 90
"""


def every_stage() -> list[Stage]:
    return list(stages().values())


def test_the_plan_comes_first_and_every_file_is_found() -> None:
    assert list(stages()) == [*PLAN, "first_kernel"]


@pytest.mark.parametrize("name", [*PLAN, "first_kernel"])
def test_a_stage_asks_only_for_metrics_that_a_profile_has(name: str) -> None:
    asked = {metric.name for metric in stage(name).metrics}
    asked |= {condition.metric for condition in stage(name).skip_when}
    assert asked <= set(metrics.METRICS)


def test_the_metric_that_no_chip_has_is_nowhere() -> None:
    assert not [s.name for s in every_stage() if "memory_dependency" in s.model_dump_json()]


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("algorithm", []),
        ("grid_and_parallel", [(metrics.SM_THROUGHPUT, ">=", 75)]),
        ("block_tiling", [(metrics.WARPS_ACTIVE, ">=", 60), (metrics.DRAM_THROUGHPUT, ">=", 80)]),
        ("memory_access", [(metrics.STALL_LONG_SCOREBOARD, "<=", 15)]),
        ("advanced_memory", [(metrics.L2_HIT, ">=", 90), (metrics.STALL_LONG_SCOREBOARD, "<=", 10)]),
        ("first_kernel", []),
    ],
)
def test_when_a_stage_is_skipped(name: str, conditions: list[tuple[str, str, float]]) -> None:
    assert [(c.metric, c.op, c.value) for c in stage(name).skip_when] == conditions


@pytest.mark.parametrize(
    ("name", "metric", "wants"),
    [
        ("grid_and_parallel", metrics.SM_THROUGHPUT, "> 60 %"),
        ("block_tiling", metrics.WARPS_ACTIVE, "> 50 %"),
        ("memory_access", metrics.STALL_LONG_SCOREBOARD, "< 20 %"),
    ],
)
def test_what_a_stage_wants_of_its_metric(name: str, metric: str, wants: str) -> None:
    assert {m.name: m.wants for m in stage(name).metrics}[metric] == wants


def test_the_last_stage_shows_the_general_metrics_and_wants_nothing_of_them() -> None:
    shown = stage("advanced_memory").metrics
    assert [m.name for m in shown] == FIVE
    assert not [m for m in shown if m.wants]


def test_only_the_last_stage_promises_to_keep_grid_and_blocks() -> None:
    assert {s.name: set(s.promises) for s in every_stage() if s.promises} == {
        "advanced_memory": {"grid", "block"}
    }


def test_knobs_of_the_tuner() -> None:
    assert {s.name: s.knobs for s in every_stage() if s.knobs} == {
        "grid_and_parallel": ["grid"],
        "block_tiling": ["block"],
        "memory_access": ["num_stages"],
        "advanced_memory": ["num_warps", "num_stages"],
    }


def test_the_algorithm_stage_warns_of_its_traps() -> None:
    said = " ".join(stage("algorithm").guidelines)
    for trap in ("barrier", "resident", "E[x²] − E[x]²", "BLOCK"):
        assert trap in said


def test_an_unknown_stage_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownStage, match=r"unknown stage 'tiling': choose from algorithm, .*first_kernel"):
        stage("tiling")


def test_a_good_file_is_read() -> None:
    assert parse_stage("t", GOOD).skip_when[0].value == 90


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('op = ">="', 'op = "=="', r"skip_when\.0\.op"),
        ("lts__t_sector_hit_rate.pct", "L2 hit rate", r"skip_when\.0\.metric"),
        ('title = "T"', "title = ", "not valid TOML"),
        ('title = "T"', "", "bad title"),
        ('focus = "F"', 'focus = "F"\nrouds = 3', "bad rouds"),
        ('focus = "F"', 'focus = "F"\nrounds = 0', "bad rounds"),
        ('focus = "F"', 'focus = "F"\nknobs = ["warps"]', r"bad knobs\.0"),
        ('focus = "F"', 'focus = "F"\nknobs = ["block"]\npromises = ["block"]', "both promised and a knob"),
        ("[[skip_when]]", '[[metrics]]\nname = "launch__grid_size"\n[[skip_when]]', "listed twice"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_stage_and_place(old: str, new: str, said: str) -> None:
    with pytest.raises(StageError, match=said) as caught:
        parse_stage("t", GOOD.replace(old, new))
    message = str(caught.value)
    assert message.startswith("stage 't' ")
    assert "\n" not in message
