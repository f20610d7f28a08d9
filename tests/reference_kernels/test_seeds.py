"""Every task's seed against its reference in fp64, on the CPU by Triton's interpreter."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from kernelwright.reference_kernels import bundled, load_task

TASKS = {name: load_task(name) for name in bundled()}


ORDERS: dict[str, dict[str, Any]] = {
    f"{name} {' x '.join(map(str, constants.values()))} {family}": {
        "task": name,
        "source": task.seed_source(),
        "constants": constants,
        "family": family,
        "seed": 1,
    }
    for name, task in TASKS.items()
    for constants in task.small
    for family in (*task.required, *task.stress)
}


@pytest.fixture(scope="module")
def results(interpret: Any) -> dict[str, dict[str, Any]]:
    return dict(zip(ORDERS, interpret(list(ORDERS.values())), strict=True))


@pytest.mark.parametrize("name", ORDERS)
def test_a_seed_agrees_with_fp64(name: str, results: dict[str, Any], outside_budget: Any) -> None:
    result = results[name]
    assert "raised" not in result, result["raised"]
    if "no_answer" in result:  # the reference itself is not finite there
        assert name.split()[-1] in TASKS[ORDERS[name]["task"]].stress
    else:
        assert not outside_budget(result), result


@pytest.mark.parametrize("name", ORDERS)
def test_a_seed_leaves_its_inputs_alone(name: str, results: dict[str, Any]) -> None:
    result = results[name]
    assert "no_answer" in result or (not result["alias"] and not result["changed"])


@pytest.mark.parametrize("name", TASKS)
def test_every_launch_of_a_seed_can_be_tuned(name: str) -> None:
    """Blocks are named constants of the file; warps and stages are written out at the launch."""
    module = ast.parse(TASKS[name].seed_source() or "")
    constants = {ast.unparse(node.targets[0]) for node in module.body if isinstance(node, ast.Assign)}
    launches = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript)
    ]
    assert constants and launches
    used = set()
    for launch in launches:
        values = {str(keyword.arg): ast.unparse(keyword.value) for keyword in launch.keywords}
        assert values.pop("num_warps").isdigit() and values.pop("num_stages").isdigit()
        assert all(name == value for name, value in values.items() if name.isupper())
        used |= set(values.values())
    assert constants <= used


@pytest.mark.parametrize("name", TASKS)
def test_a_seed_keeps_the_output_contract(name: str) -> None:
    """Imports, constants, kernels, wrappers, classes with ModelNew last, in that order, and nothing else."""
    kinds = []
    tree = ast.parse(TASKS[name].seed_source() or "").body
    for node in tree:
        if isinstance(node, ast.FunctionDef):
            kinds.append("kernel" if node.decorator_list else "wrapper")
        else:
            kinds.append(type(node).__name__)
    order = ["Import", "Assign", "kernel", "wrapper", "ClassDef"]
    assert sorted(set(kinds), key=kinds.index) == order
    assert kinds == sorted(kinds, key=order.index)
    assert isinstance(tree[-1], ast.ClassDef) and tree[-1].name == "ModelNew"
