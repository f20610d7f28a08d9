"""KernelBench's contract: a file with Model, get_inputs and get_init_inputs, and what of it can be judged."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from kernelwright.reference_kernels import Task, TaskError
from torch.utils._python_dispatch import TorchDispatchMode

from .cardless import anywhere
from .literals import make_constants
from .patience import held
from .supported import Supported

PLAIN = "Python "
"""Begins what a fact says of a value that is no tensor: ``Python int``."""
CPU_BYTES = 64e6
"""What is computed on the CPU at its timed shapes takes no more than this in all."""


@dataclass
class Description:
    """One run of a reference; its tensors may hold nothing (meta)."""

    names: list[str]
    inputs: list[Any]
    parameters: dict[str, torch.Tensor]
    outputs: list[torch.Tensor]
    bounded: bool
    """Whether forward takes nothing but values in [0, 1] somewhere, and ends a process on a card otherwise."""


def load_reference(task: Task, constants: dict[str, int] | None = None) -> ModuleType:
    """``reference.py`` as a fresh module, with some of its constants replaced; raises `TaskError`."""
    with held(task, "its import"):
        module = _import_fresh(task.reference)
    for name in ("Model", "get_inputs", "get_init_inputs"):
        if not hasattr(module, name):
            raise TaskError(
                f"'{task.reference}' defines no {name}: a task needs Model, get_inputs, get_init_inputs"
            )
    if constants and task.file:
        make_constants(module, task.reference_source())
    for name, value in (constants or {}).items():
        if not hasattr(module, name):
            raise TaskError(
                f"'{task.reference}' has no constant '{name}', which task.toml's small shapes replace"
            )
        setattr(module, name, value)
    vars(module)["get_inputs"] = anywhere(module.get_inputs)
    return module


def _import_fresh(path: Path) -> ModuleType:
    name = f"reference_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look there
    written = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise TaskError(f"'{path}' cannot be imported: {type(error).__name__}: {_line(error)}") from None
    finally:
        sys.dont_write_bytecode = written
    return module


@contextmanager
def blaming(task: Task, doing: str = "does not run") -> Iterator[None]:
    """What goes wrong within is the reference's fault, unless the card is gone or full."""
    try:
        yield
    except (TaskError, torch.AcceleratorError):
        raise
    except Exception as problem:
        if is_full(problem):
            raise
        raise TaskError(f"'{task.reference}' {doing}: {type(problem).__name__}: {_line(problem)}") from None


def is_full(problem: Exception) -> bool:
    """Whether memory ran out, on a card or on the CPU."""
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(problem)


def _line(problem: Exception) -> str:
    return next(iter(str(problem).splitlines()), "no message")


# -- one run --------------------------------------------------------------------------------------------------


def described(task: Task, module: ModuleType, device: str) -> Description:
    """What the reference takes, holds and gives; raises `TaskError` when it does not run or cannot be judged.

    Nothing is computed where meta tensors tell. Where values decide what forward does, it runs on ``device``,
    or on the CPU if all it takes is small.
    """
    with held(task, "its Model, get_inputs or forward"):
        return _described(task, module, device)


def _described(task: Task, module: ModuleType, device: str) -> Description:
    supported = Supported(task)
    try:
        with torch.device("meta"), torch.no_grad():
            return _run(supported, *_built(supported, module), "meta")
    except TaskError:
        raise
    except Exception:
        with blaming(task), torch.no_grad():
            model, inputs = _built(supported, module)
    try:
        with torch.no_grad():
            return _run(supported, copy.deepcopy(model), inputs, "meta")
    except TaskError:
        raise
    except Exception as problem:
        _require_room(task, model, inputs, device, problem)
    with blaming(task), torch.no_grad():
        return _run(supported, model, inputs, device)


def _built(supported: Supported, module: ModuleType) -> tuple[Any, list[Any]]:
    arguments = supported.arguments("get_init_inputs", module.get_init_inputs())
    model = module.Model(*arguments)
    return model, supported.arguments("get_inputs", module.get_inputs())


def _require_room(task: Task, model: Any, inputs: list[Any], device: str, problem: Exception) -> None:
    held = [*model.state_dict().values(), *(value for value in inputs if isinstance(value, torch.Tensor))]
    total = sum(tensor.numel() * tensor.element_size() for tensor in held)
    if device == "cpu" and total > CPU_BYTES:
        raise TaskError(
            f"'{task.reference}' cannot be described without a card: it does not run on meta tensors "
            f"({type(problem).__name__}: {_line(problem)}), and its inputs and parameters take "
            f"{total / 1e6:.0f} MB where {CPU_BYTES / 1e6:.0f} MB are computed on the CPU"
        )


class _Bounds(TorchDispatchMode):  # type: ignore[misc]
    """Hears operators that assert on a card that their inputs lie in [0, 1]."""

    heard = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.heard = self.heard or func.overloadpacket is torch.ops.aten.binary_cross_entropy
        return func(*args, **(kwargs or {}))


def _run(supported: Supported, model: Any, inputs: list[Any], device: str) -> Description:
    """One forward on that device, with every kind checked; raises `TaskError` for one that is not supported."""
    supported.inputs(inputs)
    parameters = supported.parameters(model)
    model = model.to(device)
    moved = [value.to(device) if isinstance(value, torch.Tensor) else value for value in inputs]
    with _Bounds() as bounds:
        outputs = supported.outputs(model(*moved))
    return Description(_argument_names(model, len(inputs)), inputs, parameters, outputs, bounds.heard)


def _argument_names(model: Any, count: int) -> list[str]:
    """Of forward's first parameters, where each input is one of them."""
    found = [
        one.name
        for one in inspect.signature(model.forward).parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    return found[:count] if len(found) >= count else [f"input {index}" for index in range(count)]
