from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
def outside_budget() -> Callable[..., list[int]]:
    """Which outputs and gradients are off by so many times of what the task's own rule allows."""

    def outside(result: dict[str, Any], times: float = 1.0) -> list[int]:
        pairs = zip(result["errors"], result["allowed"], strict=True)
        return [
            index for index, (error, allowed) in enumerate(pairs) if error is None or error > times * allowed
        ]

    return outside
