"""The user's own stage, metrics and card: every fact of the sample prompt, in its order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from kernelwright.agent.brief import Brief
from kernelwright.agent.briefing import profile_from_metrics
from kernelwright.evaluator import metrics
from kernelwright.evaluator.gpus import gpu
from kernelwright.prompts import render
from kernelwright.stages import stage

SHOWN = [
    metrics.SM_THROUGHPUT,
    metrics.GRID_SIZE,
    metrics.WARPS_ACTIVE,
    metrics.DRAM_THROUGHPUT,
    metrics.L2_HIT,
]
MEASURED: dict[str, dict[str, float]] = {
    "layer_norm_forward_partial_kernel": dict(zip(SHOWN, [16.15, 65536, 97.35, 95.5, 1.61], strict=True)),
    "layer_norm_forward_final_kernel": dict(zip(SHOWN, [1.0, 16, 8.32, 30.01, 71.84], strict=True)),
}

FACTS = [
    "You are a Triton kernel optimization specialist. Generate the FASTEST possible kernel.\n",
    "# Target GPU\n",
    "GPU Name: RTX 4090\n",
    "Architecture: Ada Lovelace\n",
    "Compute Capability: 8.9\n",
    "Number of SMs: 128\n",
    "Memory Bandwidth: 1008 GB/s\n",
    "TF32 Tensor Core TFLOPS: 82.6 with dense\n",
    "BFLOAT16 Tensor Core TFLOPS: 165.2 with dense\n",
    "FP16 Tensor Core TFLOPS: 165.2 with dense\n",
    "Maximum number of registers per thread: 255\n",
    "Maximum threads per block: 1024\n",
    "Maximum threads per SM: 1536\n",
    "Warp size: 32\n",
    "Maximum concurrent warps per SM: 48\n",
    "Shared memory capacity per SM: 100 KB\n",
    "Maximum shared memory per thread block: 99 KB\n",
    "L2 cache (global, all SM shared): 72 MB\n",
    "[OPTIMIZATION STAGE]\n",
    "## Current Optimization Stage\n",
    "**Focus**: Final micro-optimizations (small adjustments only).\n",
    "**Parameters to Tune**:\n",
    "`num_warps`: {2, 4, 8, 16}\n",
    "`num_stages`: {2, 3, 4}\n",
    "**Guidelines**:\n",
    "num_warps only if occupancy suggests it",
    "keep the original",
    "num_stages only by ±1",
    "Do not modify BLOCK sizes or the grid",
    "**Autotune Tip (safe)**:\n",
    "3–6 configs around the current settings",
    "always include the original kernel",
    "autotune wrap the JIT kernel",
    "[CURRENT CODE]\n```python\n",
    "class ModelNew(nn.Module)",
    "```\n\n[NCU PROFILING METRICS]\n{\n",
    '"layer_norm_forward_partial_kernel": {\n',
    '"sm__throughput.avg.pct_of_peak_sustained_elapsed": 16.15,\n',
    '"launch__grid_size": 65536,\n',
    '"sm__warps_active.avg.pct_of_peak_sustained_active": 97.35,\n',
    '"dram__throughput.avg.pct_of_peak_sustained_elapsed": 95.5,\n',
    '"lts__t_sector_hit_rate.pct": 1.61\n',
    '"layer_norm_forward_final_kernel": {\n',
    '"sm__throughput.avg.pct_of_peak_sustained_elapsed": 1.0,\n',
    '"launch__grid_size": 16,\n',
    '"sm__warps_active.avg.pct_of_peak_sustained_active": 8.32,\n',
    '"dram__throughput.avg.pct_of_peak_sustained_elapsed": 30.01,\n',
    '"lts__t_sector_hit_rate.pct": 71.84\n',
    "**Task**: Analyze the NCU metrics and current code",
    "generate optimized code that maximizes performance",
    "OUTPUT RULES (STRICT):\n",
    "Follow this exact order:\n",
    "1. Imports: torch, torch.nn, triton, triton.language as tl\n",
    "2. @triton.jit decorated kernel function(s)\n",
    "3. Wrapper function(s) for grid calculation and kernel launch\n",
    "4. class ModelNew(nn.Module) that calls your kernels\n",
    "2. Do NOT include: testing code, if __name__, get_inputs, get_init_inputs\n",
    "```python\n# <optimized Triton code>\n```\n",
]


def sample(make: Callable[..., Brief], **fields: object) -> str:
    profile = profile_from_metrics(MEASURED, stage("advanced_memory"), gpu("rtx-4090"))
    return render("optimise", make("optimise", profile=profile, **fields).data()).text


def test_every_fact_of_the_sample_in_its_order(make: Callable[..., Brief]) -> None:
    text, place = sample(make), 0
    for fact in FACTS:
        found = text.find(fact, place)
        assert found >= 0, f"{fact!r} is missing after {text[max(0, place - 60) : place]!r}"
        place = found + len(fact)
    assert place == len(text)


def test_the_metrics_block_is_the_measured_table_and_nothing_else(make: Callable[..., Brief]) -> None:
    after = sample(make).split("[NCU PROFILING METRICS]\n", 1)[1]
    shown, end = json.JSONDecoder().raw_decode(after)
    assert shown == MEASURED
    assert after[end:].startswith("\n\n**Task**")


def test_what_the_sample_lacks_stands_between_the_metrics_and_the_task(
    make: Callable[..., Brief], optional: dict[str, Any]
) -> None:
    del optional["profile"]
    text = sample(make, **optional)
    assert re.findall(r"^(\[[A-Z ]+\]|\*\*Task\*\*|OUTPUT RULES)", text, flags=re.MULTILINE) == [
        "[OPTIMIZATION STAGE]",
        "[CURRENT CODE]",
        "[NCU PROFILING METRICS]",
        "[WORKLOAD]",
        "[DISTANCE TO THE FLOOR]",
        "[NOTES ON THE CURRENT CODE]",
        "[TRIED IN THIS STAGE]",
        "[BROKEN CONSTRAINTS]",
        "**Task**",
        "OUTPUT RULES",
    ]
