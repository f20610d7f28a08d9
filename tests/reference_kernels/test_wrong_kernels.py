"""Each kernel of wrong/ says how it must end, and is as wrong as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.source import check_source
from kernelwright.reference_kernels import bundled, load_task

TASKS = {name: load_task(name) for name in bundled()}
PATHS: dict[str, Path] = {f"{name}/{path.stem}": path for name, task in TASKS.items() for path in task.wrong}
SAYS = {
    "attention/odd_block": "power of",
    "bias_gelu/calls_tl_tanh": "tanh",
    "bias_gelu/exponential_of_halves": "got fp16",
    "layer_norm/odd_block": "power of",
    "layer_norm/renamed_parameters": "gamma",
    "linear_gelu/wraps_a_linear": "weight",
    "rms_norm/block_of_a_row": "power of",
    "row_moments/odd_block": "power of",
    "softmax/wants_an_axis": "axis",
    "sum_middle/calls_the_axis_dim": "unexpected keyword argument",
}
"""What those are told that do not even run in the interpreter."""
FAMILY = {
    "attention/half_scores": "large",
    "bias_gelu/tanh_of_exponentials": "large",
    "rms_norm/adds_eps_to_root": "small",
}
"""The inputs that show those up on which nominal ones do not."""


def expecting(*statuses: str) -> list[str]:
    """Kernels that end so without a card, too."""
    return [
        name
        for name, path in PATHS.items()
        if TASKS[path.parents[1].name].expected(path, "offline") in statuses
    ]


@pytest.fixture(scope="module")
def results(interpret: Any) -> dict[str, dict[str, Any]]:
    """On the first small shape, which is enough to show each of them up."""
    names = [*expecting("incorrect", "rejected"), *SAYS]
    wrong = expecting("incorrect")
    orders = [
        {
            "task": name.split("/")[0],
            "source": PATHS[name].read_text(encoding="utf-8"),
            "constants": TASKS[name.split("/")[0]].small[0],
            "family": FAMILY.get(name, "nominal"),
            "seed": 1,
            "calls": 2 if name in wrong else 1,
        }
        for name in names
    ]
    return dict(zip(names, interpret(orders), strict=True))


@pytest.mark.parametrize("name", TASKS)
def test_there_are_wrong_kernels_of_several_kinds(name: str) -> None:
    task = TASKS[name]
    assert len(task.wrong) >= 4
    assert len({task.expected(path) for path in task.wrong}) >= 2


def test_together_they_end_in_every_way_but_one() -> None:
    """None asks for more memory than a card has: what is too much differs from card to card."""
    ends = {TASKS[path.parents[1].name].expected(path) for path in PATHS.values()}
    assert ends == {*Status} - {Status.PASSED, Status.UNCHECKED, Status.OUT_OF_MEMORY}


@pytest.mark.parametrize("name", PATHS)
def test_only_an_invalid_source_fails_the_static_check(name: str) -> None:
    problem = check_source(PATHS[name].read_text(encoding="utf-8"))
    assert (problem is not None) == (name in expecting("invalid_source"))


@pytest.mark.parametrize("name", expecting("incorrect"))
def test_an_incorrect_kernel_gives_another_answer(
    name: str, results: dict[str, dict[str, Any]], outside_budget: Any
) -> None:
    """At the second call at the latest, and by far in fp32, unless dtype or shape is another one already."""
    result, task = results[name], TASKS[name.split("/")[0]]
    assert "raised" not in result, result
    assert not result["alias"] and not result["changed"] and result["launches"]
    if "errors" in result and [dtype for dtype, _ in result["outputs"]] == result["dtypes"]:
        assert outside_budget(result, times=10 if task.dtype == "float32" else 1)


@pytest.mark.parametrize("name", expecting("rejected"))
def test_a_rejected_kernel_is_right_in_the_wrong_way(name: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[name]
    assert max(result["errors"]) < 1e-4
    assert result["alias"] or not result["launches"]


@pytest.mark.parametrize("name", SAYS)
def test_a_kernel_that_does_not_run_says_why(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert SAYS[name] in results[name]["raised"]
