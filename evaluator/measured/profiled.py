"""The tiny program that ncu profiles: builds one model, warms up, runs one forward between start and stop.

Run as ``python -m kernelwright.evaluator.measured.profiled ORDER.json``; the file may come later, and names the
source and the shapes. Inputs are drawn here, since nothing that this program computes is used.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import torch

from ..autotune_choice import keep_choices
from ..exchange import dtype_of
from ..importing import import_source


def main(order_path: str) -> None:
    """Wait for the order, warm up, then one forward that ncu sees."""
    torch.cuda.init()
    keep_choices(Path(os.environ["TRITON_CACHE_DIR"]))
    order = json.loads(_awaited(Path(order_path)))
    init_inputs = pickle.loads(bytes.fromhex(order["init_inputs"]))
    model = import_source(Path(order["source"])).ModelNew(*init_inputs).cuda()
    inputs = [_value(fact) for fact in order["inputs"]]
    with torch.no_grad():
        for _ in range(2):
            model(*inputs)
        torch.cuda.synchronize()
        torch.cuda.profiler.start()
        model(*inputs)
        torch.cuda.synchronize()
        torch.cuda.profiler.stop()


def _awaited(path: Path) -> str:
    """The judge's order, which comes when the kernel has proved worth a profile."""
    while not path.exists():
        time.sleep(0.01)
    return path.read_text(encoding="utf-8")


def _value(fact: dict[str, Any]) -> Any:
    if "plain" in fact:
        return fact["plain"]
    dtype = dtype_of(fact["dtype"])
    if dtype.is_floating_point:
        return torch.randn(fact["shape"], device="cuda").to(dtype)
    return torch.randint(0, max(1, fact.get("high", 2)), fact["shape"], device="cuda").to(dtype)


if __name__ == "__main__":
    main(sys.argv[1])
