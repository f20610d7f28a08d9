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
import secrets
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import torch
from kernelwright.evaluator.offline.interpreter_bfloat16 import bfloat16_values
from kernelwright.evaluator.reference.oracle import Case, Oracle, judge
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
    secrets.randbits = lambda _: order["seed"]
    oracle = Oracle(load_task(order["task"]), "cpu", order["constants"])
    case = oracle.case(order.get("family", "nominal"))
    if case is None:
        return {"no_answer": True}
    module = load(order["source"])
    launches = watch(module)
    model = module.ModelNew(*oracle.init_inputs)
    model.load_state_dict(oracle.parameters, strict=True)
    given = [copy.deepcopy(value) for value in case.inputs]
    for _ in range(order.get("calls", 1)):
        got = answer(model, given, order)
    own = [x.untyped_storage().data_ptr() for x in tensors(given)]
    kept = zip(tensors(given), tensors(case.inputs), strict=True)
    return {
        "outputs": [[str(out.dtype), list(out.shape)] for out in got],
        "dtypes": [f"torch.{fact.dtype}" for fact in oracle.facts.outputs],
        "alias": any(out.untyped_storage().data_ptr() in own for out in got),
        "changed": not all(torch.equal(x, before) for x, before in kept),
        "launches": launches,
        **(gradients(got, oracle, case, order) if order.get("backward") else compared(got, case)),
    }


def tensors(values: list[Any]) -> list[torch.Tensor]:
    return [value for value in values if isinstance(value, torch.Tensor)]


def answer(model: Any, inputs: list[torch.Tensor], order: dict[str, Any]) -> list[torch.Tensor]:
    """The outputs, and when they are asked for the gradients of all inputs and parameters after them."""
    backward = bool(order.get("backward"))
    leaves = [x.requires_grad_() if backward else x for x in inputs]
    with torch.set_grad_enabled(backward):
        result = model(*leaves)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    if not backward:
        return outputs
    generator = torch.Generator().manual_seed(order["seed"] + 1)
    slopes = [torch.randn(out.shape, generator=generator).to(out.dtype) for out in outputs]
    gradients = torch.autograd.grad(outputs, [*leaves, *model.parameters()], slopes)
    return [out.detach() for out in (*outputs, *gradients)]


def compared(got: list[torch.Tensor], case: Case) -> dict[str, Any]:
    """Error of each output over its RMS, and what the task allows."""
    if [(out.shape, out.is_floating_point()) for out in got] != [
        (right.shape, right.is_floating_point()) for right in case.expected
    ]:
        return {}
    results = [
        judge(replace(case, expected=[right], budgets=[budget]), [out])
        for out, right, budget in zip(got, case.expected, case.budgets, strict=True)
    ]
    return {"errors": [result.error for result in results], "allowed": [result.budget for result in results]}


def gradients(got: list[torch.Tensor], oracle: Oracle, case: Case, order: dict[str, Any]) -> dict[str, Any]:
    """The same for outputs with the gradients behind them, from PyTorch's own error."""
    plain = load_reference(order).Model(*oracle.init_inputs)
    plain.load_state_dict(oracle.parameters, strict=True)
    exact = answer(copy.deepcopy(plain).double(), [x.double() for x in case.inputs], order)
    eager = answer(plain, case.inputs, order)
    tolerance = oracle.task.tolerance
    return {
        "errors": [error(out, right) for out, right in zip(got, exact, strict=True)],
        "allowed": [
            max(tolerance.eager_factor * (error(out, right) or 0.0), tolerance.floor("float32"))
            for out, right in zip(eager, exact, strict=True)
        ],
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
    with bfloat16_values():
        results = [attempt(order) for order in orders]
    json.dump(results, sys.stdout)
