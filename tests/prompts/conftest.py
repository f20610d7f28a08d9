"""Briefs with and without their optional parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kernelwright.agent.brief import (
    Brief,
    BriefKernel,
    Distance,
    Mend,
    Profile,
    TriedAttempt,
    Workload,
)
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.protocol import TensorFact
from kernelwright.stages import stage

CODE = """\
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def double_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    tl.store(y_ptr + offsets, 2.0 * tl.load(x_ptr + offsets, mask=mask), mask=mask)


def double(x):
    y = torch.empty_like(x)
    double_kernel[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
    return y


class ModelNew(nn.Module):
    def forward(self, x):
        return double(x)
"""

REFERENCE = """\
import torch.nn as nn


class Model(nn.Module):
    def forward(self, x):
        return x + x
"""

WORKLOAD = Workload(
    title="Double every element",
    reference=REFERENCE,
    inputs=[TensorFact(name="x", shape=[16, 64, 256, 256], dtype="float32")],
    parameters=[TensorFact(name="weight", shape=[64, 256, 256], dtype="float32")],
    outputs=[TensorFact(name="out", shape=[16, 64, 256, 256], dtype="float32")],
    tolerance="within 1e-05 of the reference's RMS on inputs as they are drawn.",
)

PROFILE = Profile(
    device="NVIDIA H200",
    provenance="measured",
    on_target=False,
    card=gpu("h200"),
    kernels=[
        BriefKernel(
            name="double_kernel",
            duration_ms=0.12845,
            time_share=0.9821,
            metrics={
                "sm__throughput.avg.pct_of_peak_sustained_elapsed": 16.149,
                "launch__grid_size": 65536.0,
                "lts__t_sector_hit_rate.pct": 2.0,
            },
            missing={"dram__throughput.avg.pct_of_peak_sustained_elapsed": "ncu did not return it"},
            grid=(65536, 1, 1),
            launches=2,
            config={"BLOCK": 1024, "num_warps": 4, "num_stages": 3},
        )
    ],
)

OPTIONAL: dict[str, Any] = {
    "code_passed": True,
    "profile": PROFILE,
    "workload": WORKLOAD,
    "distance": Distance(ms=0.1308, provenance="measured", floor_ms=0.1118, floor_of="H200", eager_ms=0.1312),
    "tried": [
        TriedAttempt(
            attempt="attempt 3",
            outcome="passed; 0.991× as fast as its parent (95 % interval 0.985 to 0.997); not kept: slower",
            changes=["double_kernel: num_warps 4 → 8"],
            diff="@@ -16 +16 @@\n-    BLOCK=1024\n+    BLOCK=1024, num_warps=8\n",
        ),
        TriedAttempt(attempt="attempt 4", outcome="compile_error: tl.dot needs two blocks"),
    ],
    "broken_promises": ["double_kernel: the grid went from (65536, 1, 1) to (32768, 1, 1)"],
    "notes": ["Outside the error budget on inputs that do not decide the status: denormal values."],
}

MEND = Mend(
    code=CODE.replace("2.0", "2.5"),
    status="incorrect",
    reason="outside the error budget on inputs of the family nominal",
    details=["inputs as `get_inputs` draws them: failed, largest error 0.5 of the reference's RMS"],
)

MakeBrief = Callable[..., Brief]


@pytest.fixture
def optional() -> dict[str, Any]:
    """Every optional field of a brief that is shown in an optimise prompt."""
    return dict(OPTIONAL)


@pytest.fixture
def make() -> MakeBrief:
    """A brief for a template: bare, or with the fields that are named."""

    def build(template: str, stage_name: str = "advanced_memory", **fields: Any) -> Brief:
        base: dict[str, Any] = {"code": CODE, "target": gpu("rtx-4090"), "stage": stage(stage_name)}
        return Brief(template=template, **(base | fields))

    return build


@pytest.fixture
def full(make: MakeBrief) -> Callable[[str], Brief]:
    """A brief with everything that its template may show."""

    def build(template: str) -> Brief:
        extra: dict[str, Any] = {"mend": MEND} if template == "repair" else {}
        if template == "first_kernel":
            extra |= {
                "code": None,
                "code_passed": None,
                "profile": None,
                "distance": None,
                "stage_name": "first_kernel",
            }
        return make(template, **(OPTIONAL | extra))

    return build


@pytest.fixture
def bare(make: MakeBrief) -> Callable[[str], Brief]:
    """A brief with nothing that its template can do without."""

    def build(template: str) -> Brief:
        if template == "first_kernel":
            return make(template, "first_kernel", code=None, workload=WORKLOAD)
        return make(template, mend=MEND if template == "repair" else None)

    return build
