from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kernelwright.reference_kernels import Task

Interpret = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def interpret(tmp_path_factory: pytest.TempPathFactory) -> Interpret:
    """Runs orders for kernels in one process under Triton's interpreter; see interpret.py."""
    script = Path(__file__).with_name("interpret.py")

    def run(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("kernels")
        done = subprocess.run(
            [sys.executable, str(script), str(folder)],
            input=json.dumps(orders),
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)
        assert isinstance(results, list)
        return results

    return run


@pytest.fixture(scope="session")
def outside_budget() -> Callable[[Task, dict[str, Any]], list[int]]:
    """Which outputs and gradients break the task's own rule.

    It allows three times PyTorch's error in the task's dtype, and at least 1e-5 of the RMS.
    """

    def outside(task: Task, result: dict[str, Any], times: float = 1.0) -> list[int]:
        factor, floor = task.tolerance.eager_factor, task.tolerance.floor(task.dtype or "float32")
        pairs = zip(result["errors"], result["eager"], strict=True)
        return [
            index
            for index, (error, eager) in enumerate(pairs)
            if error is None or error > times * max(factor * eager, floor)
        ]

    return outside
