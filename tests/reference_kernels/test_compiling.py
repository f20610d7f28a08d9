"""What the interpreter does not show: whether Triton's compiler takes the kernels, and what it makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kernelwright.evaluator.gpus import gpus
from kernelwright.reference_kernels import bundled

ROW = {"BLOCK_SIZE": 1024}
TILE = {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32}
LARGE_TILE = {"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 64}
KERNELS = {"layer_norm": 5, "matmul": 1, "row_moments": 1, "softmax": 1}
"""How many these seeds have; what a launch of the others compiles to, the offline verdicts show."""

ORDERS: dict[str, tuple[str, dict[str, int], dict[str, int]]] = {
    **{f"{name} seed": (f"{name}/seed.py", TILE if name == "matmul" else ROW, {}) for name in KERNELS},
    "wait": ("layer_norm/wrong/waits_forever.py", ROW, {}),
    "block of 1000": ("layer_norm/wrong/odd_block.py", {"BLOCK_SIZE": 1000}, {}),
    "block of 1024": ("layer_norm/wrong/odd_block.py", ROW, {}),
    "block of 1536": ("row_moments/wrong/odd_block.py", {"BLOCK_SIZE": 1536}, {}),
    "block of 2048": ("row_moments/wrong/odd_block.py", {"BLOCK_SIZE": 2048}, {}),
    "default precision": ("matmul/wrong/default_precision.py", TILE, {}),
    "large tiles": ("matmul/wrong/tiles_too_large.py", LARGE_TILE, {"num_warps": 8, "num_stages": 6}),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What came of the kernels of each order."""
    cache = str(tmp_path_factory.mktemp("cache"))
    root = bundled()["layer_norm"].parent
    orders = [(str(root / path), constants, options) for path, constants, options in ORDERS.values()]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("compile_kernels.py"))],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        timeout=240,
        env={"PATH": "/usr/bin:/bin", "HOME": cache, "TRITON_CACHE_DIR": cache},
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return {name: list(answer.values()) for name, answer in zip(ORDERS, answers, strict=True)}


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_of_a_seed_compiles(name: str, compiled: dict[str, list[dict[str, Any]]]) -> None:
    found = compiled[f"{name} seed"]
    assert len(found) == KERNELS[name]
    assert all(".entry" in kernel["ptx"] for kernel in found)


def test_the_wait_is_a_real_loop_that_the_compiler_keeps(compiled: dict[str, list[dict[str, Any]]]) -> None:
    (kernel,) = compiled["wait"]
    assert "ld.volatile.global" in kernel["ptx"]


@pytest.mark.parametrize(("odd", "even"), [(1000, 1024), (1536, 2048)])
def test_the_odd_block_is_what_the_compiler_refuses(
    odd: int, even: int, compiled: dict[str, list[dict[str, Any]]]
) -> None:
    assert compiled[f"block of {odd}"] == [{"error": "CompilationError"}]
    (kernel,) = compiled[f"block of {even}"]
    assert ".entry" in kernel["ptx"]


def test_only_the_default_precision_rounds_to_tf32(compiled: dict[str, list[dict[str, Any]]]) -> None:
    (seed,), (rounded,) = compiled["matmul seed"], compiled["default precision"]
    assert "tf32" in rounded["ptx"] and "tf32" not in seed["ptx"]


def test_no_card_has_the_shared_memory_that_the_large_tiles_take(
    compiled: dict[str, list[dict[str, Any]]],
) -> None:
    (kernel,) = compiled["large tiles"]
    assert kernel["shared"] > 1024 * max(gpu.shared_kb_per_block_max for gpu in gpus().values())
