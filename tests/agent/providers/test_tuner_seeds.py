from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from kernelwright.agent.providers.base import NothingToPropose, Request
from kernelwright.agent.providers.tuner import TunerProvider, proposals
from kernelwright.agent.replies import extract
from kernelwright.evaluator.source import check_source
from kernelwright.reference_kernels.task import bundled, load_task
from kernelwright.stages import PLAN, stage

NO_GRID = "no constant with SPLIT, PROGRAMS, CTAS, SMS, GROUP or ROWS in its name sets the grid"
NO_STAGES = "num_stages pipelines loads for tl.dot, and no kernel has one"
WARPS = "num_warps of {0}_kernel from 4 to 8"
STAGES = "num_stages of {0}_kernel from 3 to 4"
SQUARE = "BLOCK_M from 64 to 128, BLOCK_N from 64 to 128"
LAYER_NORM = (
    "num_warps of layer_norm_forward_partial_kernel from 4 to 8, "
    "num_warps of layer_norm_forward_final_kernel from 4 to 8"
)


def row(kernel: str, block: int) -> tuple[str, str, str, str]:
    """What the stages after the algorithm's say to a kernel that walks along rows in such blocks."""
    warps = WARPS.format(kernel)
    return NO_GRID, f"BLOCK_SIZE from {block} to 4096, {warps}", NO_STAGES, warps


EXPECTED = {
    "attention": (
        NO_GRID,
        f"BLOCK_M from 64 to 128, BLOCK_N from 32 to 64, {WARPS.format('attention')}",
        STAGES.format("attention"),
        WARPS.format("attention"),
    ),
    "bias_gelu": (
        NO_GRID,
        f"BLOCK_SIZE from 1024 to 8192, {WARPS.format('bias_gelu')}, {WARPS.format('add')}",
        NO_STAGES,
        f"{WARPS.format('bias_gelu')}, {WARPS.format('add')}",
    ),
    "cross_entropy": row("cross_entropy", 1024),
    "embedding_bag": (
        NO_GRID,
        "BLOCK_SIZE from 128 to 1024",
        NO_STAGES,
        "num_warps of embedding_bag_kernel from 4 to 1",
    ),
    "layer_norm": (NO_GRID, f"BLOCK_SIZE from 1024 to 8192, {LAYER_NORM}", NO_STAGES, LAYER_NORM),
    "layer_norm_4096": (
        *row("layer_norm", 256)[:3],
        "num_warps of layer_norm_kernel from 4 to 1",  # 256 elements are two loads of 16 bytes for a warp
    ),
    "linear_gelu": (
        NO_GRID,
        f"{SQUARE}, BLOCK_K from 32 to 64, {WARPS.format('linear')}",
        STAGES.format("linear"),
        f"{WARPS.format('linear')}, {WARPS.format('bias_gelu')}",
    ),
    "matmul": (
        NO_GRID,
        f"{SQUARE}, {WARPS.format('matmul')}",
        STAGES.format("matmul"),
        WARPS.format("matmul"),
    ),
    "matmul_fp16": (
        NO_GRID,
        f"{SQUARE}, BLOCK_K from 32 to 64, {WARPS.format('matmul')}",
        STAGES.format("matmul"),
        WARPS.format("matmul"),
    ),
    "rms_norm": row("rms_norm", 512),
    "row_moments": row("row_moments", 1024),
    "softmax": row("softmax", 1024),
    "sum_middle": (
        NO_GRID,
        "BLOCK_N from 32 to 256, num_warps of sum_middle_kernel from 4 to 8",
        NO_STAGES,
        WARPS.format("sum_middle"),
    ),
}
"""What each stage of the plan after the first says to each seed: its first change, or why there is none."""
NONE = {NO_GRID, NO_STAGES}


def seed(task: str) -> str:
    source = load_task(task).seed_source()
    assert source is not None
    return source


def test_every_bundled_seed_has_its_line_in_the_table() -> None:
    assert {name for name in bundled() if load_task(name).seed} == set(EXPECTED)


@pytest.mark.parametrize(
    ("task", "name", "expected"),
    [
        pytest.param(task, name, said, id=f"{task} {name}")
        for task, line in EXPECTED.items()
        for name, said in zip(
            PLAN, ("the tuner has no parameter to change in stage 'algorithm'", *line), strict=True
        )
    ],
)
def test_each_stage_changes_the_seed_or_says_why_not(
    request_for: Callable[..., Request], task: str, name: str, expected: str
) -> None:
    parent = seed(task)
    request = request_for(parent_source=parent).model_copy(update={"stage": stage(name)})
    if expected in NONE or name == "algorithm":
        with pytest.raises(NothingToPropose, match=re.escape(expected) + "$"):
            TunerProvider().ask(request)
        return
    reply = TunerProvider().ask(request)
    kernel = extract(reply.text)
    assert reply.text.startswith(f"Change {expected}.\n")
    assert isinstance(kernel, str)
    assert kernel != parent
    compile(kernel, task, "exec")


@pytest.mark.parametrize("task", EXPECTED)
def test_only_numbers_of_a_seed_are_changed_and_each_name_keeps_one_value(task: str) -> None:
    parent = seed(task)
    found = [
        kernel for knob in ("block", "num_warps", "num_stages") for _, kernel in proposals(parent, [knob])
    ]
    assert len(found) > 5
    for kernel in found:
        assert check_source(kernel) is None
        assert re.sub(r"\d+", "#", kernel) == re.sub(r"\d+", "#", parent)
        assert len(re.findall(r"(?m)^BLOCK\w* = \d+$", kernel)) == len(
            set(re.findall(r"(BLOCK\w*)=", kernel))
        )
