"""A task's shapes, dtypes and floor, as its reference shows them."""

from __future__ import annotations

import math
import sys
from typing import Any

import torch
from kernelwright.reference_kernels import Task

from ..evaluation import Floor
from ..exchange import dtype_name, dtype_of
from ..gpus import Gpu
from ..protocol import TaskFacts, TensorFact
from .contract import PLAIN, Description, described, load_reference

__all__ = [
    "environment",
    "facts_of",
    "floating",
    "floor_ms",
    "floors",
    "load_reference",
    "size",
    "task_facts",
]


def task_facts(task: Task, constants: dict[str, int] | None = None, device: str = "cpu") -> TaskFacts:
    """Inputs, parameters, outputs and floor of a task; raises `TaskError` when its reference does not run.

    ``device`` is where it is really run when its shapes cannot be known otherwise.
    """
    return facts_of(task, described(task, load_reference(task, constants), device))


def facts_of(task: Task, found: Description) -> TaskFacts:
    """What a description says in names, shapes and dtypes."""
    given = [input_fact(name, value) for name, value in zip(found.names, found.inputs, strict=True)]
    parameters = [_fact(name, tensor) for name, tensor in found.parameters.items()]
    results = [_fact(f"output {index}", tensor) for index, tensor in enumerate(found.outputs)]
    return TaskFacts(
        inputs=given,
        parameters=parameters,
        outputs=results,
        floor_bytes=task.bytes or sum(size(fact) for fact in (*given, *parameters, *results)),
        floor_flops=task.flops,
        dtype=next((fact.dtype for fact in (*results, *given) if floating(fact.dtype)), "float32"),
    )


def surely_moved(task: Task, facts: TaskFacts) -> TaskFacts:
    """The same with a floor that holds: a single file says nothing of inputs that need not be read."""
    if task.file is None or task.bytes:
        return facts
    return facts.model_copy(update={"floor_bytes": sum(size(fact) for fact in facts.outputs)})


def input_fact(name: str, value: Any) -> TensorFact:
    """An input in words; a plain value's dtype says that it is none of torch's."""
    if isinstance(value, torch.Tensor):
        return _fact(name, value)
    return TensorFact(name=name, shape=[], dtype=PLAIN + type(value).__name__)


def _fact(name: str, tensor: torch.Tensor) -> TensorFact:
    return TensorFact(name=name, shape=list(tensor.shape), dtype=dtype_name(tensor.dtype))


def size(fact: TensorFact) -> int:
    """Bytes that it takes; plain values take none."""
    if fact.dtype.startswith(PLAIN):
        return 0
    return math.prod(fact.shape) * int(dtype_of(fact.dtype).itemsize)


def floating(dtype: str) -> bool:
    """Whether a fact's dtype is that of a floating-point tensor."""
    return dtype.startswith(("float", "bfloat"))


def floor_ms(facts: TaskFacts, card: Gpu) -> float:
    """Least time in ms: the larger of bytes over peak bandwidth and operations over the dtype's peak rate.

    For fp32 the tensor cores' TF32 rate counts: sums of TF32 products can be as exact as fp32 ones.
    """
    tensor = {
        "float32": card.tf32_tensor_tflops,
        "float16": card.fp16_tensor_tflops,
        "bfloat16": card.bf16_tensor_tflops,
    }.get(facts.dtype)
    tflops = max(tensor or 0.0, card.fp32_tflops)
    return max(facts.floor_bytes / (card.memory_bandwidth_gb_s * 1e6), facts.floor_flops / (tflops * 1e9))


def floors(facts: TaskFacts, target: Gpu, device: Gpu | None) -> Floor:
    """Floors on the target and, where there is one, on the card in use."""
    return Floor(device=floor_ms(facts, device) if device else None, target=floor_ms(facts, target))


def environment() -> dict[str, str]:
    """Versions that a verdict depends on."""
    import triton

    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "triton": triton.__version__,
    }
