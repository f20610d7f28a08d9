"""A task's shapes, dtypes and floor, found by running its reference on meta tensors: nothing is computed."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from kernelwright.reference_kernels import Task, TaskError

from .evaluation import Floor
from .exchange import dtype_name, dtype_of
from .gpus import Gpu
from .protocol import TaskFacts, TensorFact


def load_reference(task: Task, constants: dict[str, int] | None = None) -> ModuleType:
    """``reference.py`` as a fresh module, with some of its constants replaced; raises `TaskError`."""
    module = _import_fresh(task.reference)
    for name in ("Model", "get_inputs", "get_init_inputs"):
        if not hasattr(module, name):
            raise TaskError(
                f"'{task.reference}' defines no {name}: a task needs Model, get_inputs, get_init_inputs"
            )
    for name, value in (constants or {}).items():
        if not hasattr(module, name):
            raise TaskError(
                f"'{task.reference}' has no constant '{name}', which task.toml's small shapes replace"
            )
        setattr(module, name, value)
    return module


def _import_fresh(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reference_{abs(hash(path))}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    written = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise TaskError(f"'{path}' cannot be imported: {type(error).__name__}: {error}") from None
    finally:
        sys.dont_write_bytecode = written
    return module


def task_facts(task: Task, constants: dict[str, int] | None = None) -> TaskFacts:
    """Inputs, parameters, outputs and floor of a task; raises `TaskError` when its reference does not run."""
    module = load_reference(task, constants)
    try:
        with torch.device("meta"), torch.no_grad():
            model = module.Model(*module.get_init_inputs())
            inputs = module.get_inputs()
            result = model(*inputs)
    except Exception as error:
        raise TaskError(f"'{task.reference}' does not run: {type(error).__name__}: {error}") from None
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    described = [_fact(f"input {index}", item) for index, item in enumerate(inputs)]
    names = _argument_names(module.Model, len(inputs))
    for fact, name in zip(described, names, strict=True):
        fact.name = name
    parameters = [_fact(name, tensor) for name, tensor in model.state_dict().items()]
    results = [_fact(f"output {index}", tensor) for index, tensor in enumerate(outputs)]
    return TaskFacts(
        inputs=described,
        parameters=parameters,
        outputs=results,
        floor_bytes=task.bytes or sum(_bytes(fact) for fact in (*described, *parameters, *results)),
        floor_flops=task.flops,
        dtype=next((fact.dtype for fact in (*results, *described) if floating(fact.dtype)), "float32"),
    )


def _argument_names(kind: Any, count: int) -> list[str]:
    code = kind.forward.__code__
    names = list(code.co_varnames[1 : code.co_argcount])
    return names if len(names) == count else [f"input {index}" for index in range(count)]


def _fact(name: str, value: Any) -> TensorFact:
    if isinstance(value, torch.Tensor):
        return TensorFact(name=name, shape=list(value.shape), dtype=dtype_name(value.dtype))
    return TensorFact(name=name, shape=[], dtype=type(value).__name__)


def _bytes(fact: TensorFact) -> int:
    if fact.dtype in ("int", "float", "bool", "str", "NoneType"):
        return 0
    return math.prod(fact.shape) * int(dtype_of(fact.dtype).itemsize)


def floating(dtype: str) -> bool:
    """Whether a fact's dtype is that of a floating-point tensor (``float`` is a plain number)."""
    return dtype.startswith(("float", "bfloat")) and dtype != "float"


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
