"""Runs LayerNorm kernels on the CPU, in a process of its own: Triton's interpreter is chosen before its import.

Reads a list of orders as JSON on stdin and answers with a list of results on stdout, both in order. Every buffer
that a kernel allocates without filling it is poisoned with NaN first.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import torch
import torch.nn.functional as F

_numbers = itertools.count()


def load(source: str) -> ModuleType:
    path = Path(tempfile.mkdtemp(dir=sys.argv[1])) / "kernel.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"kernel_{next(_numbers)}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Launches:
    """Stands before a kernel and keeps the grids on which it is launched."""

    def __init__(self, name: str, kernel: Any, log: list[Any]) -> None:
        self.name, self.kernel, self.log = name, kernel, log

    def __getitem__(self, grid: Any) -> Any:
        self.log.append([self.name, list(grid)])
        return self.kernel[grid]


def watch(module: ModuleType) -> list[Any]:
    log: list[Any] = []
    for name, value in list(vars(module).items()):
        if type(value).__name__ == "InterpretedFunction":
            setattr(module, name, Launches(name, value, log))
    return log


def poisoned(allocate: Any) -> Any:
    def allocate_nan(*args: Any, **kwargs: Any) -> torch.Tensor:
        return allocate(*args, **kwargs).fill_(torch.nan)

    return allocate_nan


def error(got: torch.Tensor, exact: torch.Tensor) -> float | None:
    """Largest difference over the RMS of what is exact; None where it is NaN."""
    worst = float((got.detach().double() - exact).abs().max() / exact.square().mean().sqrt())
    return worst if worst == worst else None


def run(order: dict[str, Any]) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(order["seed"])
    shape, features = order["shape"], order["shape"][1:]

    def draw(size: list[int]) -> torch.Tensor:
        return torch.randn(size, generator=generator)

    x = draw(shape) * order.get("scale", 1.0) + order.get("shift", 0.0)
    state = {"weight": draw(features), "bias": draw(features)}
    dy = draw(shape) if order.get("backward") else None
    module = load(order["source"])
    launches = watch(module)
    model = module.ModelNew(tuple(features))
    model.load_state_dict(state, strict=True)
    kept = x.clone()
    with torch.set_grad_enabled(dy is not None):
        mine = x.clone().requires_grad_(dy is not None)
        out = model(mine)
    eager, exact = reference(x, state, dy, torch.float32), reference(x, state, dy, torch.float64)
    result: dict[str, Any] = {
        "dtype": str(out.dtype),
        "shape": list(out.shape),
        "alias": out.untyped_storage().data_ptr() == mine.untyped_storage().data_ptr(),
        "changed": not torch.equal(mine.detach(), kept),
        "launches": launches,
    }
    if list(out.shape) != shape:
        return result
    got = [out]
    if dy is not None:
        out.backward(dy)
        got += [mine.grad, model.weight.grad, model.bias.grad]
    names = ("output", "dx", "dweight", "dbias")
    result["errors"] = {n: error(g, e) for n, g, e in zip(names, got, exact, strict=False)}
    result["eager"] = {n: error(g, e) for n, g, e in zip(names, eager, exact, strict=False)}
    return result


def reference(
    x: torch.Tensor, state: dict[str, torch.Tensor], dy: torch.Tensor | None, dtype: torch.dtype
) -> list[torch.Tensor]:
    """Output and, with a ``dy``, the gradients of x, weight and bias, by PyTorch in that dtype."""
    leaves = [t.to(dtype, copy=True).requires_grad_() for t in (x, state["weight"], state["bias"])]
    out = F.layer_norm(leaves[0], x.shape[1:], leaves[1], leaves[2], 1e-5)
    if dy is None:
        return [out.detach()]
    return [out.detach(), *torch.autograd.grad(out, leaves, dy.to(dtype))]


def attempt(order: dict[str, Any]) -> dict[str, Any]:
    try:
        return run(order)
    except Exception as problem:
        return {"raised": f"{type(problem).__name__}: {problem}"}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.empty, torch.empty_like = poisoned(torch.empty), poisoned(torch.empty_like)
    orders = json.load(sys.stdin)
    json.dump([attempt(order) for order in orders], sys.stdout)
