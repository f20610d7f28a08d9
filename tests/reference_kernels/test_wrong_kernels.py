"""Each kernel of wrong/ says how it must end, and is as wrong as it says."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.source import check_source
from kernelwright.reference_kernels import load_task

TASK = load_task("layer_norm")
NAMES = [path.stem for path in TASK.wrong]
EXPECTED = {path.stem: TASK.expected(path) for path in TASK.wrong}
RUNNABLE = [name for name in NAMES if EXPECTED[name] in ("incorrect", "rejected")]
SHAPES = [[c["batch_size"], c["features"], c["dim1"], c["dim2"]] for c in TASK.small]


def path_of(name: str) -> Path:
    return TASK.folder / "wrong" / f"{name}.py"


@pytest.fixture(scope="module")
def results(interpret: Any) -> dict[str, dict[str, Any]]:
    """On the first small shape, which is enough to show each of them up."""
    names = [*RUNNABLE, "renamed_parameters", "odd_block"]
    sources = [path_of(name).read_text(encoding="utf-8") for name in names]
    orders = [{"source": source, "shape": SHAPES[0], "seed": 1} for source in sources]
    return dict(zip(names, interpret(orders), strict=True))


def test_there_are_wrong_kernels_of_many_kinds() -> None:
    assert len(NAMES) >= 8
    assert len(set(EXPECTED.values())) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_the_expectation_is_a_status_that_refuses(name: str) -> None:
    """On a card always; without one a kernel may be left unchecked, and still does not pass."""
    assert Status(EXPECTED[name]) not in (Status.PASSED, Status.UNCHECKED)
    assert Status(TASK.expected(path_of(name), "offline")) is not Status.PASSED


@pytest.mark.parametrize("name", NAMES)
def test_one_sentence_says_what_is_wrong(name: str) -> None:
    text = ast.get_docstring(ast.parse(path_of(name).read_text(encoding="utf-8"))) or ""
    first, empty, *sentence = text.splitlines()
    assert first.startswith("expected: ") and not empty
    assert len(sentence) == 1 and sentence[0].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_only_an_invalid_source_fails_the_static_check(name: str) -> None:
    problem = check_source(path_of(name).read_text(encoding="utf-8"))
    assert (problem is not None) == (EXPECTED[name] == "invalid_source")


@pytest.mark.parametrize("name", [name for name in NAMES if EXPECTED[name] == "incorrect"])
def test_an_incorrect_kernel_gives_another_answer(name: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[name]
    assert "raised" not in result, result
    assert not result["alias"] and not result["changed"] and result["launches"]
    if result["dtype"] == "torch.float32" and result["shape"] == SHAPES[0]:
        error = result["errors"]["output"]
        budget = max(TASK.tolerance.eager_factor * result["eager"]["output"], TASK.tolerance.rms_floor)
        assert error is None or error > 10 * budget


@pytest.mark.parametrize("name", [name for name in NAMES if EXPECTED[name] == "rejected"])
def test_a_rejected_kernel_is_right_in_the_wrong_way(name: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[name]
    assert result["errors"]["output"] < 1e-4
    assert result["alias"] or not result["launches"]


def test_renamed_parameters_do_not_take_the_references_weights(results: dict[str, dict[str, Any]]) -> None:
    assert "gamma" in results["renamed_parameters"]["raised"]


def test_a_block_that_is_no_power_of_two_is_refused_by_triton(results: dict[str, dict[str, Any]]) -> None:
    assert "power of" in results["odd_block"]["raised"]
