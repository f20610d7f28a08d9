"""Briefs made from records: whose code, whose metrics, what is told of earlier attempts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kernelwright.agent.brief import Workload
from kernelwright.agent.briefing import (
    REPLY_CHARACTERS_MAX,
    make_brief,
    make_workload,
    profile_from_metrics,
    shown_metrics,
)
from kernelwright.agent.history import launch_changes
from kernelwright.agent.record import (
    Attempt,
    AttemptKind,
    Budget,
    Campaign,
    Decision,
    ExtractionFailure,
    Failure,
    Record,
    Reply,
    Settings,
)
from kernelwright.evaluator import metrics
from kernelwright.evaluator.evaluation import (
    Correctness,
    Estimate,
    Evaluation,
    FamilyResult,
    Floor,
    KernelProfile,
    Status,
    Timing,
)
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.protocol import TaskFacts, TensorFact
from kernelwright.prompts import render
from kernelwright.reference_kernels.task import Task, TaskError
from kernelwright.stages import stage

H200, RTX = gpu("h200"), gpu("rtx-4090")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCES = {name: f"# kernel {name}\nimport triton\nBLOCK = 1024\n" for name in ("seed", "best")}
SOURCES |= {"wide": SOURCES["seed"].replace("1024", "2048"), "new": "\n".join(f"x = {n}" for n in range(90))}
WORKLOAD = Workload(title="t", reference="r\n", inputs=[], parameters=[], outputs=[], tolerance="t")


def source(sha: str) -> str:
    return SOURCES[sha]


def kernel(name: str = "k", **fields: Any) -> KernelProfile:
    base: dict[str, Any] = {
        "grid": (16, 1, 1),
        "launches": 1,
        "time_share": 1.0,
        "config": {"BLOCK": 1024, "num_warps": 4},
        "metrics": {metrics.GRID_SIZE: 16},
    }
    return KernelProfile(name=name, **(base | fields))


def timing(ms: float, baseline: str = "seed", speedup: float = 1.0) -> Timing:
    interval = (speedup * 0.99, speedup * 1.01)
    return Timing(
        median_ms=ms, baseline=baseline, baseline_ms=ms, speedup=speedup, speedup_ci95=interval, pairs=6
    )


def evaluation(kernel_sha: str, status: Status = Status.PASSED, **fields: Any) -> Evaluation:
    base: dict[str, Any] = {
        "task": "t",
        "target": "h200",
        "device": "NVIDIA H200",
        "provenance": "measured",
        "sandbox": "process",
        "floor_ms": Floor(device=0.12, target=0.6),
        "kernels": [kernel()],
    }
    if status is Status.PASSED and fields.get("provenance") != "estimated":
        base["timing"] = timing(3.8)
    return Evaluation(kernel=kernel_sha, status=status, **(base | fields))


def estimated(kernel_sha: str, ms: float, **fields: Any) -> Evaluation:
    offline: dict[str, Any] = {
        "provenance": "estimated",
        "device": "offline",
        "target": "rtx-4090",
        "estimate": Estimate(ms=ms, range_ms=(ms / 2, ms * 2)),
        "floor_ms": Floor(device=None, target=0.6),
    }
    return evaluation(kernel_sha, **(offline | fields))


def attempt(number: int, kernel_sha: str | None, parent: int | None = 0, **fields: Any) -> Attempt:
    base: dict[str, Any] = {"kind": AttemptKind.OPTIMISE, "stage": "block_tiling", "created": NOW}
    return Attempt(
        id=f"c.{number}",
        campaign="c",
        number=number,
        parent=None if parent is None else f"c.{parent}",
        kernel_sha=kernel_sha,
        **(base | fields),
    )


def seed(**fields: Any) -> Attempt:
    base = {"evaluation": evaluation("seed"), "decision": Decision(accepted=True, reason="the seed passed")}
    return attempt(0, "seed", None, kind=AttemptKind.SEED, stage=None, **(base | fields))


def record(*attempts: Attempt) -> Record:
    settings = Settings(task="t", target="h200", device="cuda", provider="tuner", stages=["block_tiling"])
    campaign = Campaign(id="c", created=NOW, settings=settings, budget=Budget())
    return Record(campaign=campaign, attempts=list(attempts))


def brief_of(
    attempts: list[Attempt], parent: Attempt | None, failed: Attempt | None = None, **fields: Any
) -> Any:
    chosen: dict[str, Any] = {"stage": stage("block_tiling"), "gpu": H200, "workload": WORKLOAD} | fields
    return make_brief(record(*attempts), source, parent=parent, failed=failed, **chosen)


FAILED = attempt(
    1,
    "wide",
    evaluation=evaluation("wide", Status.RUNTIME_ERROR, reason="raised ValueError", kernels=[]),
    decision=Decision(accepted=False, reason="it failed"),
)


@pytest.mark.parametrize(
    ("parent", "failed", "template"),
    [
        (seed(), None, "optimise"),
        (seed(), FAILED, "repair"),
        (None, FAILED, "repair"),
        (None, None, "first_kernel"),
    ],
)
def test_which_template(parent: Attempt | None, failed: Attempt | None, template: str) -> None:
    brief = brief_of([seed(), FAILED], parent, failed)
    assert brief.template == template
    assert "**Task**" in render(brief.template, brief.data()).text


def test_code_and_metrics_belong_to_the_parent_and_not_to_the_failed_attempt() -> None:
    parent = attempt(2, "best", evaluation=evaluation("best", kernels=[kernel("best_kernel")]))
    brief = brief_of([seed(), FAILED, parent], parent, FAILED)
    assert brief.code == SOURCES["best"]
    assert [shown.name for shown in brief.profile.kernels] == ["best_kernel"]
    assert brief.mend.code == SOURCES["wide"]
    assert (brief.mend.status, brief.mend.reason) == ("runtime_error", "raised ValueError")


def test_a_parent_without_a_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"attempt c\.5 has no kernel"):
        brief_of([], attempt(5, None))


def test_the_floor_of_a_measurement_is_the_devices() -> None:
    distance = brief_of([seed()], seed(), gpu=RTX, eager_ms=8.4).distance
    assert (distance.floor_ms, distance.floor_of, distance.ms, distance.eager_ms) == (0.12, "H200", 3.8, 8.4)


def test_the_floor_of_an_estimate_is_the_targets() -> None:
    parent = seed(evaluation=estimated("seed", 4.0))
    distance = brief_of([parent], parent, gpu=RTX).distance
    assert (distance.floor_ms, distance.floor_of, distance.ms) == (0.6, "RTX 4090", 4.0)
    assert distance.provenance == "estimated"


def test_no_floor_no_distance() -> None:
    assert brief_of([], seed(evaluation=evaluation("seed", floor_ms=None))).distance is None


@pytest.mark.parametrize(
    ("device", "target", "card"),
    [("NVIDIA H200", H200, None), ("NVIDIA H200", RTX, "h200"), ("Unheard Of 9000", RTX, None)],
)
def test_the_card_is_told_when_it_is_not_the_target(device: str, target: Any, card: str | None) -> None:
    profile = brief_of([], seed(evaluation=evaluation("seed", device=device)), gpu=target).profile
    assert profile.on_target == (target is H200)
    assert (profile.card.name if profile.card else None) == card


def test_an_estimate_for_the_target_needs_no_other_card() -> None:
    profile = brief_of([], seed(evaluation=estimated("seed", 4.0)), gpu=RTX).profile
    assert (profile.on_target, profile.card, profile.provenance) == (True, None, "estimated")


def test_an_estimate_for_another_card_is_not_taken_for_the_target() -> None:
    profile = brief_of([], seed(evaluation=estimated("seed", 4.0)), gpu=H200).profile
    assert (profile.on_target, profile.card.name) == (False, "rtx-4090")


def test_metrics_are_the_stages_own_in_its_order_and_absent_ones_have_a_reason() -> None:
    chosen = stage("memory_access")
    values = {metrics.STALL_LONG_SCOREBOARD: 40.0, metrics.DRAM_THROUGHPUT: 95.5, metrics.GRID_SIZE: 16.0}
    values |= {metrics.LOAD_EFFICIENCY: float("nan")}
    shown = shown_metrics(chosen, kernel(metrics=values, missing={metrics.L2_HIT: "no permission", "x": "y"}))
    assert list(shown.metrics) == [metrics.DRAM_THROUGHPUT, metrics.STALL_LONG_SCOREBOARD]
    assert shown.missing == {
        metrics.L2_HIT: "no permission",
        metrics.LOAD_EFFICIENCY: "the profiler reported no number",
        metrics.STORE_EFFICIENCY: "not in this profile",
    }
    assert set(shown.metrics) | set(shown.missing) == {metric.name for metric in chosen.metrics}


def test_bare_metrics_carry_no_launch_that_nobody_saw() -> None:
    profile = profile_from_metrics({"k": {metrics.GRID_SIZE: 16}}, stage("advanced_memory"), RTX)
    assert (profile.kernels[0].grid, profile.kernels[0].duration_ms, profile.on_target) == (None, None, True)


def test_tried_tells_speed_reason_and_change() -> None:
    slower = attempt(
        1,
        "wide",
        evaluation=evaluation(
            "wide", timing=timing(4.0, "seed", 0.95), kernels=[kernel(grid=(8, 1, 1), config={"BLOCK": 2048})]
        ),
        decision=Decision(accepted=False, reason="it is slower"),
    )
    (told,) = brief_of([seed(), slower], seed()).tried
    assert told.attempt == "attempt 1"
    assert told.outcome.startswith("passed; 0.950× as fast as its parent (95 % interval 0.94")
    assert told.outcome.endswith("; not kept: it is slower")
    assert told.changes == ["k: grid (16, 1, 1) → (8, 1, 1)", "k: BLOCK 1024 → 2048", "k: num_warps 4 → none"]
    assert "-BLOCK = 1024\n+BLOCK = 2048\n" in told.diff


def test_each_launch_of_a_kernel_that_runs_on_two_grids_is_compared() -> None:
    before = [kernel(grid=(16, 1, 1)), kernel(grid=(64, 1, 1)), kernel("gone")]
    after = [kernel(grid=(16, 1, 1)), kernel(grid=(32, 1, 1)), kernel("come")]
    assert launch_changes(before, after) == [
        "gone removed",
        "come added, grid (16, 1, 1)",
        "k #2: grid (64, 1, 1) → (32, 1, 1)",
    ]


def test_a_speedup_over_another_baseline_is_not_called_one_over_the_parent() -> None:
    first = attempt(1, "new", evaluation=evaluation("new", timing=timing(4.0, "eager", 2.1)))
    first.decision = Decision(accepted=True, reason="faster")
    (told,) = brief_of([seed(), first], seed()).tried
    assert told.outcome == "passed; 4 ms measured, 2.100× as fast as PyTorch eager; kept"


def test_estimates_in_the_history_are_called_estimates() -> None:
    parent = seed(evaluation=estimated("seed", 4.0))
    found = attempt(1, "new", evaluation=estimated("new", 2.0), decision=Decision(accepted=True, reason="r"))
    (told,) = brief_of([parent, found], parent).tried
    assert told.outcome == "passed; estimated 2 ms, its parent's estimate 4 ms; kept"


def test_a_long_diff_is_left_out() -> None:
    other = attempt(1, "new", evaluation=evaluation("new"), decision=Decision(accepted=True, reason="r"))
    assert brief_of([seed(), other], seed()).tried[0].diff is None


def test_only_finished_attempts_of_this_stage_and_never_the_one_to_mend() -> None:
    no = Decision(accepted=False, reason="slower")
    elsewhere = attempt(2, "best", stage="algorithm", evaluation=evaluation("best"), decision=no)
    under_way = attempt(3, None)
    done = attempt(4, "best", evaluation=evaluation("best"), decision=no)
    brief = brief_of([seed(), FAILED, elsewhere, under_way, done], seed(), FAILED)
    assert [told.attempt for told in brief.tried] == ["attempt 4"]


def test_a_find_that_was_measured_later_stands_there_once() -> None:
    no = Decision(accepted=False, reason="r")
    found = attempt(1, "best", evaluation=estimated("best", 2.0), decision=no)
    measured = attempt(2, "best", kind=AttemptKind.REMEASURE, evaluation=evaluation("best"), decision=no)
    assert [told.attempt for told in brief_of([seed(), found, measured], seed()).tried] == ["attempt 2"]


def test_broken_promises_are_told_once_each() -> None:
    broke = Decision(accepted=False, reason="r", broken_promises=["k: the grid changed", "k: BLOCK changed"])
    again = Decision(accepted=False, reason="r", broken_promises=["k: the grid changed"])
    attempts = [seed(), attempt(1, "wide", decision=broke), attempt(2, "new", decision=again)]
    assert brief_of(attempts, seed()).broken_promises == ["k: the grid changed", "k: BLOCK changed"]


def reply(text: str) -> Reply:
    return Reply(text=text, provider="openai", model="m")


@pytest.mark.parametrize(
    ("kind", "text", "repeated"),
    [
        (ExtractionFailure.SYNTAX_ERROR, "x =", True),
        (ExtractionFailure.NO_MODEL_NEW, "class Model", True),
        (ExtractionFailure.TRUNCATED, "x = 1", False),
        (ExtractionFailure.SYNTAX_ERROR, "x" * (REPLY_CHARACTERS_MAX + 1), False),
    ],
)
def test_a_reply_without_a_kernel_is_shown_when_that_helps(
    kind: ExtractionFailure, text: str, repeated: bool
) -> None:
    failed = attempt(1, None, reply=reply(text), failure=Failure(kind=kind, reason="why"))
    mend = brief_of([seed(), failed], seed(), failed).mend
    assert (mend.code, mend.status, mend.reason) == (None, str(kind), "why")
    assert mend.reply == (text if repeated else None)


def test_an_incorrect_kernel_is_told_which_inputs_failed() -> None:
    families = {
        "nominal": FamilyResult(error=1e-6, budget=1e-5, passed=True, required=True),
        "shifted": FamilyResult(error=None, budget=1e-5, passed=False, required=True),
        "huge": FamilyResult(error=1e-6, budget=1e-5, passed=True, required=False),
    }
    wrong = evaluation("wide", Status.INCORRECT, reason="wrong", correctness=Correctness(families=families))
    details = brief_of([], seed(), attempt(1, "wide", evaluation=wrong)).mend.details
    assert len(details) == 2
    assert "mean shifted by one spread: failed, largest error NaN or infinite" in details[1]


def test_a_weakness_that_does_not_decide_is_noted() -> None:
    families = {"shifted_1000": FamilyResult(error=9.0, budget=1e-5, passed=False, required=False)}
    parent = seed(evaluation=evaluation("seed", correctness=Correctness(families=families)))
    assert "mean shifted by 1000 spreads" in brief_of([parent], parent).notes[0]


def test_an_attempt_that_did_not_fail_cannot_be_mended() -> None:
    with pytest.raises(ValueError, match="nothing to mend"):
        brief_of([], seed(), attempt(1, None))


def facts() -> TaskFacts:
    x = TensorFact(name="x", shape=[16, 8], dtype="float32")
    return TaskFacts(inputs=[x], parameters=[], outputs=[x], floor_bytes=1024)


def test_a_workload_names_the_required_families_apart_from_the_others(tmp_path: Path) -> None:
    (tmp_path / "reference.py").write_text("class Model: ...\n", encoding="utf-8")
    task = Task(name="t", title="T", dtype="float32", folder=tmp_path)
    workload = make_workload(task, facts())
    required, _, stress = workload.tolerance.partition("Also tried")
    assert workload.reference == "class Model: ...\n"
    for words in ("3 times", "float32", "1e-05", "scaled by 0.01", "scaled by 8", "outliers", "one spread"):
        assert words in required
    for words in ("5e-06", "norm of the error", "last place of the largest output"):
        assert words in required
    assert "fails any of those which the best one so far passes" in stress
    for words in ("10 spreads", "1000 spreads", "denormal", "infinities"):
        assert words in stress and words not in required


@pytest.mark.parametrize("status", [Status.PASSED, Status.UNCHECKED])
def test_a_parent_that_was_not_checked_is_not_called_correct(status: Status) -> None:
    verdict = estimated("seed", 8.0, status=status, reason="too large for the interpreter")
    parent = seed(evaluation=verdict)
    assert brief_of([parent, FAILED], parent, FAILED).code_passed is (status is Status.PASSED)


def test_an_unreadable_reference_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"cannot read '.*reference\.py'"):
        make_workload(Task(name="t", title="T", dtype="float32", folder=tmp_path), facts())


def test_a_brief_survives_storage_and_renders_to_the_same_bytes() -> None:
    brief = brief_of([seed(), FAILED], seed(), FAILED)
    again = type(brief).model_validate_json(brief.model_dump_json())
    assert again == brief
    assert render(brief.template, again.data()) == render(brief.template, brief.data())


def test_no_prompt_holds_the_campaigns_name() -> None:
    slower = attempt(
        1,
        "wide",
        evaluation=evaluation("wide", timing=timing(4.0, "seed", 0.95)),
        decision=Decision(accepted=False, reason="0.9× over c.0, c.10 and abc.1"),
    )
    (told,) = brief_of([seed(), slower], seed()).tried
    assert told.outcome.endswith("0.9× over attempt 0, attempt 10 and abc.1")
