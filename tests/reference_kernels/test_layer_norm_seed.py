"""The seed's forward and backward against PyTorch in fp64, on the CPU by Triton's interpreter."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from kernelwright.reference_kernels import load_task

TASK = load_task("layer_norm")
SOURCE = TASK.seed_source() or ""
SMALL = [[c["batch_size"], c["features"], c["dim1"], c["dim2"]] for c in TASK.small]
BLOCKS = (16, 64, 512, 2048)
"""With 16 a row of 4551 elements has more blocks than a block has lanes, so the partials take several passes."""

INPUTS = {
    "nominal": {},
    "small": {"scale": 0.01},
    "shifted": {"shift": 1.0},
    "shifted_10": {"shift": 10.0},
    "shifted_1000": {"shift": 1000.0},
    "huge": {"scale": 1e3},
    "denormal": {"scale": 1e-39},
}


def forward_orders() -> dict[str, dict[str, Any]]:
    orders: dict[str, dict[str, Any]] = {}
    for shape in SMALL:
        for seed in (1, 2):
            orders[f"nominal {shape} seed {seed}"] = {"shape": shape, "seed": seed}
        for family, how in INPUTS.items():
            orders[f"{family} {shape}"] = {"shape": shape, "seed": 3, **how}
    return {name: {"source": SOURCE, **order} for name, order in orders.items()}


def backward_orders() -> dict[str, dict[str, Any]]:
    orders = {f"{shape} seed {seed}": {"shape": shape, "seed": seed} for shape in SMALL for seed in (1, 2)}
    orders["mean 10"] = {"shape": SMALL[0], "seed": 3, "shift": 10.0}
    return {name: {"source": SOURCE, "backward": True, **order} for name, order in orders.items()}


def tuned_orders() -> dict[int, dict[str, Any]]:
    assert SOURCE.count("\nBLOCK_SIZE = 1024\n") == 1
    return {
        block: {
            "source": SOURCE.replace("\nBLOCK_SIZE = 1024\n", f"\nBLOCK_SIZE = {block}\n"),
            "shape": [2, 3, 37, 41] if block > 16 else [1, 3, 37, 41],
            "seed": 4,
            "shift": 3.0,
            "backward": block > 16,
        }
        for block in BLOCKS
    }


FORWARD, BACKWARD, TUNED = forward_orders(), backward_orders(), tuned_orders()


@pytest.fixture(scope="module")
def results(interpret: Any) -> dict[str, dict[str, Any]]:
    groups = {"forward": FORWARD, "backward": BACKWARD, "tuned": TUNED}
    named = {f"{group} {name}": order for group, orders in groups.items() for name, order in orders.items()}
    return dict(zip(named, interpret(list(named.values())), strict=True))


def assert_within_budget(result: dict[str, Any]) -> None:
    """The task's own rule: three times PyTorch's error in fp32, and at least 1e-5 of the RMS."""
    assert "raised" not in result, result["raised"]
    for name, error in result["errors"].items():
        budget = max(TASK.tolerance.eager_factor * result["eager"][name], TASK.tolerance.rms_floor)
        assert error is not None and error <= budget, f"{name} is off by {error} where {budget} is allowed"


@pytest.mark.parametrize("name", FORWARD)
def test_forward_agrees_with_fp64(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert_within_budget(results[f"forward {name}"])


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_a_large_mean_costs_no_digits(shape: list[int], results: dict[str, dict[str, Any]]) -> None:
    error = results[f"forward shifted_1000 {shape}"]["errors"]["output"]
    assert error < 1e-5, "as exact as without the shift, whatever PyTorch's own error is"


@pytest.mark.parametrize("name", BACKWARD)
def test_backward_agrees_with_fp64_autograd(name: str, results: dict[str, dict[str, Any]]) -> None:
    result = results[f"backward {name}"]
    assert set(result["errors"]) == {"output", "dx", "dweight", "dbias"}
    assert_within_budget(result)


@pytest.mark.parametrize("block", BLOCKS)
def test_one_constant_sets_the_block_everywhere(block: int, results: dict[str, dict[str, Any]]) -> None:
    assert_within_budget(results[f"tuned {block}"])


def test_inference_is_two_launches_on_the_two_stage_grids(results: dict[str, dict[str, Any]]) -> None:
    samples, *features = SMALL[0]
    blocks = -(-features[0] * features[1] * features[2] // 1024)
    assert results[f"forward nominal {SMALL[0]}"]["launches"] == [
        ["layer_norm_forward_partial_kernel", [samples, blocks]],
        ["layer_norm_forward_final_kernel", [samples]],
    ]


def test_small_shapes_reach_several_blocks_and_a_ragged_end() -> None:
    lengths = [features * dim1 * dim2 for _, features, dim1, dim2 in SMALL]
    assert any(length > 4 * 1024 for length in lengths)
    assert any(length % 32 for length in lengths)
    assert all(shape[0] * length < 12_000 for shape, length in zip(SMALL, lengths, strict=True))


def test_every_launch_can_be_tuned() -> None:
    launches = [
        node
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript)
    ]
    assert len(launches) == 5
    for launch in launches:
        values = {keyword.arg: ast.unparse(keyword.value) for keyword in launch.keywords}
        assert values == {"BLOCK_SIZE": "BLOCK_SIZE", "num_warps": "4", "num_stages": "3"}


def test_the_seed_keeps_the_output_contract() -> None:
    """Imports, kernels, wrappers, ModelNew, in that order, and nothing else."""
    kinds = []
    for node in ast.parse(SOURCE).body:
        if isinstance(node, ast.FunctionDef):
            kinds.append("kernel" if node.decorator_list else "wrapper")
        elif isinstance(node, ast.ClassDef):
            kinds.append(node.name)
        else:
            kinds.append(type(node).__name__)
    order = ["Import", "Assign", "kernel", "wrapper", "TritonLayerNorm", "ModelNew"]
    assert sorted(set(kinds), key=kinds.index) == order
    assert kinds == sorted(kinds, key=order.index)
