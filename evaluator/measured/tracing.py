"""What ran on the card during one call, through CUPTI. Runs in a runner, so it is a signal: ncu stands outside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

_LIMIT = 5000


def warm_up() -> bool:
    """Start CUPTI, which takes seconds, before anything is waiting for it; whether it sees what runs."""
    return bool(traced(lambda: torch.zeros(1, device="cuda")))


def traced(call: Callable[[], object]) -> list[dict[str, Any]]:
    """Kernels, copies and fills of one call: name, start and duration in microseconds, and a kernel's shape."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA], acc_events=True) as trace:
        call()
        torch.cuda.synchronize()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder) / "trace.json"
        trace.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    found = [_activity(event) for event in events if str(event.get("cat", "")) in _ON_THE_CARD]
    return found[:_LIMIT]


_ON_THE_CARD = ("kernel", "gpu_memcpy", "gpu_memset")


def _activity(event: dict[str, Any]) -> dict[str, Any]:
    told = event.get("args", {})
    return {
        "name": str(event.get("name", ""))[:200],
        "start": float(event["ts"]),
        "us": float(event["dur"]),
        "grid": told.get("grid"),
        "block": told.get("block"),
        "registers": told.get("registers per thread"),
    }
