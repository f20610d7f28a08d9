"""Runs a snippet in a new process under Triton's interpreter; not a test by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ADD = """
import torch, torch.nn as nn, triton, triton.language as tl

@triton.jit
def add_kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offs < n
    tl.store(out_ptr + offs, tl.load(x_ptr + offs, mask=mask) + tl.load(y_ptr + offs, mask=mask), mask=mask)
"""


def run(folder: Path, snippet: str) -> Any:
    """What the snippet assigned to ``result``; it finds ``folder`` and ``gpu`` (an RTX 4090) defined."""
    program = textwrap.dedent(
        """
        import json, sys
        from pathlib import Path
        from kernelwright.evaluator.gpus import gpu as _gpu
        gpu = _gpu("rtx-4090")
        folder = Path(sys.argv[1])
        """
    ) + textwrap.dedent(snippet)
    path = folder / "snippet.py"
    path.write_text(program + "\nprint('RESULT ' + json.dumps(result))\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path), str(folder)],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    assert line is not None, done.stdout + done.stderr
    return json.loads(line.removeprefix("RESULT "))
