"""What the interpreter does not show: whether Triton's compiler takes the kernels, and what it makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kernelwright.reference_kernels import load_task

TASK = load_task("layer_norm")


def compile_kernels(path: Path, block: int, cache: Path) -> dict[str, str]:
    script = Path(__file__).with_name("compile_kernels.py")
    done = subprocess.run(
        [sys.executable, str(script), str(path), str(block)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cache), "TRITON_CACHE_DIR": str(cache)},
    )
    assert done.returncode == 0, done.stderr
    answer: Any = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_the_seed_compiles_forward_and_backward(tmp_path: Path) -> None:
    assert TASK.seed is not None
    found = compile_kernels(TASK.seed, 1024, tmp_path)
    assert len(found) == 5
    assert all(".entry" in ptx for ptx in found.values())


def test_the_wait_is_a_real_loop_that_the_compiler_keeps(tmp_path: Path) -> None:
    (ptx,) = compile_kernels(TASK.folder / "wrong" / "waits_forever.py", 1024, tmp_path).values()
    assert "ld.volatile.global" in ptx


@pytest.mark.parametrize(("block", "compiles"), [(1000, False), (1024, True)])
def test_the_odd_block_is_what_the_compiler_refuses(block: int, compiles: bool, tmp_path: Path) -> None:
    (answer,) = compile_kernels(TASK.folder / "wrong" / "odd_block.py", block, tmp_path).values()
    assert (".entry" in answer) if compiles else (answer == "CompilationError")
