"""Reading commands start without the heavy libraries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "triton", "numpy", "openai", "libcst", "httpx", "pandas", "scipy"}
LINES = [
    "-h", "run -h", "list", "list --json", "tree offl", "best meas", "show offl.1", "show offl.1 --code",
    "show offl.1 --metrics", "diff offl.1", "ask offl.1", "tasks", "stages", "gpus", "prompt list", "doctor",
]  # fmt: skip
PROGRAM = """
import json, sys
from kernelwright.agent.cli.main import main
heavy = set(json.loads(sys.argv[1]))
for line in json.loads(sys.argv[2]):
    code = main(line.split())
    print(json.dumps([line, code, sorted(heavy & set(sys.modules))]), file=sys.stderr)
"""


@pytest.mark.usefixtures("store")
def test_reading_commands_are_light() -> None:
    """One process runs them all; the first that loads too much is named."""
    argv = [sys.executable, "-c", PROGRAM, json.dumps(sorted(HEAVY)), json.dumps(LINES)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert [json.loads(line) for line in done.stderr.splitlines()] == [[line, 0, []] for line in LINES]
