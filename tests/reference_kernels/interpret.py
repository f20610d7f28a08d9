"""Runs kernels of the tasks on the CPU, in a process of its own: Triton's interpreter is chosen before its import.

Reads a list of orders as JSON on stdin and answers with a list of results on stdout, both in order. Every buffer
that a kernel allocates without filling it is poisoned with NaN first.
"""

from __future__ import annotations

import copy
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
from kernelwright.evaluator import families
from kernelwright.reference_kernels import load_task

_numbers = itertools.count()


def load(source: str) -> ModuleType:
    path = Path(tempfile.mkdtemp(dir=sys.argv[1])) / "kernel.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(f"kernel_{next(_numbers)}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_reference(order: dict[str, Any]) -> ModuleType:
    module = load(load_task(order["task"]).reference_source())
    for name, value in order["constants"].items():
        setattr(module, name, value)
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


def run(order: dict[str, Any]) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(order["seed"])
    reference = load_reference(order)
    inputs = [
        families.draw(order.get("family", "nominal"), list(like.shape), like.dtype, generator)
        for like in reference.get_inputs()
    ]
    eager = reference.Model(*reference.get_init_inputs())
    state = {name: torch.randn(like.shape, generator=generator) for name, like in eager.state_dict().items()}
    eager.load_state_dict(state, strict=True)

    module = load(order["source"])
    launches = watch(module)
    model = module.ModelNew(*reference.get_init_inputs())
    model.load_state_dict(state, strict=True)
    mine = [x.clone() for x in inputs]
    for _ in range(order.get("calls", 1)):
        got = answer(model, mine, order)
    own = [x.untyped_storage().data_ptr() for x in mine]
    return {
        "outputs": [[str(out.dtype), list(out.shape)] for out in got],
        "alias": any(out.untyped_storage().data_ptr() in own for out in got),
        "changed": not all(torch.equal(x, kept) for x, kept in zip(mine, inputs, strict=True)),
        "launches": launches,
        **compared(got, eager, inputs, order),
    }


def answer(model: Any, inputs: list[torch.Tensor], order: dict[str, Any]) -> list[torch.Tensor]:
    """The outputs, and when they are asked for the gradients of all inputs and parameters after them."""
    backward = bool(order.get("backward"))
    leaves = [x.requires_grad_(backward) for x in inputs]
    with torch.set_grad_enabled(backward):
        result = model(*leaves)
    outputs = list(result) if isinstance(result, tuple) else [result]
    if not backward:
        return outputs
    generator = torch.Generator().manual_seed(order["seed"] + 1)
    slopes = [torch.randn(out.shape, generator=generator).to(out.dtype) for out in outputs]
    gradients = torch.autograd.grad(outputs, [*leaves, *model.parameters()], slopes)
    return [out.detach() for out in (*outputs, *gradients)]


def compared(got: list[torch.Tensor], eager: Any, inputs: list[Any], order: dict[str, Any]) -> dict[str, Any]:
    """Errors of a kernel and of PyTorch in the task's dtype, one for each output and gradient."""
    exact = answer(copy.deepcopy(eager).double(), [x.double() for x in inputs], order)
    if [out.shape for out in got] != [out.shape for out in exact]:
        return {}
    plain = answer(eager, inputs, order)
    return {
        "errors": [error(out, right) for out, right in zip(got, exact, strict=True)],
        "eager": [error(out, right) for out, right in zip(plain, exact, strict=True)],
    }


def error(got: torch.Tensor, exact: torch.Tensor) -> float | None:
    """Largest difference over the RMS of what is exact; None where it is NaN."""
    worst = float((got.detach().double() - exact).abs().max() / exact.square().mean().sqrt())
    return worst if worst == worst else None


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
