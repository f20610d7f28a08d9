"""What LayerNorm's seed has beyond the others: gradients, two stages on the grid, one constant for the block."""

from __future__ import annotations

from typing import Any

import pytest
from kernelwright.reference_kernels import load_task

TASK = load_task("layer_norm")
SOURCE = TASK.seed_source() or ""
SMALL = {" x ".join(map(str, constants.values())): constants for constants in TASK.small}
BLOCKS = (16, 64, 512, 2048)
"""With 16 a row of 4551 elements has more blocks than a block has lanes, so the partials take several passes."""


def order(constants: dict[str, int], family: str, **more: Any) -> dict[str, Any]:
    return {"task": "layer_norm", "source": SOURCE, "constants": constants, "family": family, **more}


def backward_orders() -> dict[str, dict[str, Any]]:
    orders = {
        f"{shape} seed {seed}": order(constants, "nominal", seed=seed, backward=True)
        for shape, constants in SMALL.items()
        for seed in (1, 2)
    }
    orders["mean 10"] = order(TASK.small[0], "shifted_10", seed=3, backward=True)
    return orders


def tuned_orders() -> dict[int, dict[str, Any]]:
    assert SOURCE.count("\nBLOCK_SIZE = 1024\n") == 1
    orders = {}
    for block in BLOCKS:
        constants = TASK.small[0] if block > 16 else TASK.small[0] | {"batch_size": 1}
        orders[block] = order(constants, "shifted", seed=4, backward=block > 16)
        orders[block]["source"] = SOURCE.replace("\nBLOCK_SIZE = 1024\n", f"\nBLOCK_SIZE = {block}\n")
    return orders


BACKWARD, TUNED = backward_orders(), tuned_orders()
LARGE_MEAN = {shape: order(constants, "shifted_1000", seed=3) for shape, constants in SMALL.items()}


@pytest.fixture(scope="module")
def results(interpret: Any) -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[Any, dict[str, Any]]] = {"backward": BACKWARD, "tuned": TUNED, "mean": LARGE_MEAN}
    named = {f"{group} {name}": order for group, orders in groups.items() for name, order in orders.items()}
    return dict(zip(named, interpret(list(named.values())), strict=True))


@pytest.mark.parametrize("shape", SMALL)
def test_a_large_mean_costs_no_digits(shape: str, results: dict[str, dict[str, Any]]) -> None:
    (error,) = results[f"mean {shape}"]["errors"]
    assert error < 1e-5, "as exact as without the shift, whatever PyTorch's own error is"


@pytest.mark.parametrize("name", BACKWARD)
def test_backward_agrees_with_fp64_autograd(
    name: str, results: dict[str, dict[str, Any]], outside_budget: Any
) -> None:
    result = results[f"backward {name}"]
    assert len(result["errors"]) == len(["output", "dx", "dweight", "dbias"])
    assert not outside_budget(result), result


@pytest.mark.parametrize("block", BLOCKS)
def test_one_constant_sets_the_block_everywhere(
    block: int, results: dict[str, dict[str, Any]], outside_budget: Any
) -> None:
    assert not outside_budget(results[f"tuned {block}"]), results[f"tuned {block}"]


def test_inference_is_two_launches_on_the_two_stage_grids(results: dict[str, dict[str, Any]]) -> None:
    samples, *features = TASK.small[0].values()
    blocks = -(-features[0] * features[1] * features[2] // 1024)
    assert results[f"mean {next(iter(SMALL))}"]["launches"] == [
        ["layer_norm_forward_partial_kernel", [samples, blocks]],
        ["layer_norm_forward_final_kernel", [samples]],
    ]


def test_small_shapes_reach_several_blocks_and_a_ragged_end() -> None:
    shapes = [list(constants.values()) for constants in TASK.small]
    lengths = [features * dim1 * dim2 for _, features, dim1, dim2 in shapes]
    assert any(length > 4 * 1024 for length in lengths)
    assert any(length % 32 for length in lengths)
    assert all(shape[0] * length < 12_000 for shape, length in zip(shapes, lengths, strict=True))
