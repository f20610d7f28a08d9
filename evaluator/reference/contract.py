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

PLAIN = "Python "
"""Begins what a fact says of a value that is no tensor: ``Python int``."""
CPU_BYTES = 64e6
"""What is computed on the CPU at its timed shapes takes no more than this in all."""
_SCALARS = (int, float, bool, str, type(None))
_DTYPES = frozenset(
    getattr(torch, name)
    for name in (
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"
    )
)  # fmt: skip


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
    judged = _Judged(task)
    try:
        with torch.device("meta"), torch.no_grad():
            return judged.run(*_built(judged, module), "meta")
    except TaskError:
        raise
    except Exception:
        with blaming(task), torch.no_grad():
            model, inputs = _built(judged, module)
    try:
        with torch.no_grad():
            return judged.run(copy.deepcopy(model), inputs, "meta")
    except TaskError:
        raise
    except Exception as problem:
        _require_room(task, model, inputs, device, problem)
    with blaming(task), torch.no_grad():
        return judged.run(model, inputs, device)


def _built(judged: _Judged, module: ModuleType) -> tuple[Any, list[Any]]:
    arguments = judged.arguments("get_init_inputs", module.get_init_inputs())
    model = module.Model(*arguments)
    return model, judged.arguments("get_inputs", module.get_inputs())


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


class _Judged:
    """Refuses what cannot be handed to a kernel or compared with its answer."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def run(self, model: Any, inputs: list[Any], device: str) -> Description:
        """One forward on that device, with every kind checked; raises `TaskError` for one that is not supported."""
        self.inputs(inputs)
        parameters = self.parameters(model)
        model = model.to(device)
        moved = [value.to(device) if isinstance(value, torch.Tensor) else value for value in inputs]
        with _Bounds() as bounds:
            outputs = self.outputs(model(*moved))
        return Description(_argument_names(model, len(inputs)), inputs, parameters, outputs, bounds.heard)

    def arguments(self, name: str, found: Any) -> list[Any]:
        """What get_inputs or get_init_inputs returned."""
        if type(found) not in (list, tuple):
            self._refuse(f"its {name} returns {_kind(found)} instead of a list")
        for index, value in enumerate(found if name == "get_init_inputs" else ()):
            if not isinstance(value, torch.Tensor) and not _plain(value, (torch.Tensor, torch.dtype, dict)):
                self._refuse(f"constructor argument {index} is {_kind(value)}, which no kernel can be given")
        return list(found)

    def inputs(self, values: list[Any]) -> None:
        for index, value in enumerate(values):
            if isinstance(value, torch.Tensor):
                self._tensor(f"input {index}", value)
            elif not _plain(value):
                self._refuse(
                    f"input {index} is {_kind(value)}: forward has to take tensors, numbers, strings, None, and "
                    "tuples or lists of such plain values"
                )
        if not any(isinstance(value, torch.Tensor) for value in values):
            self._refuse("its forward takes no tensor")

    def parameters(self, model: Any) -> dict[str, torch.Tensor]:
        if not isinstance(model, torch.nn.Module):
            self._refuse("its Model is no torch.nn.Module")
        found: dict[str, torch.Tensor] = model.state_dict()
        for name, value in found.items():
            if isinstance(value, torch.nn.parameter.UninitializedTensorMixin):
                self._refuse(f"'{name}' has no shape before the first call (a lazy module)")
            if not isinstance(value, torch.Tensor):
                self._refuse(f"'{name}' of its state_dict is {_kind(value)} and no tensor")
            self._tensor(f"'{name}'", value)
        return found

    def outputs(self, result: Any) -> list[torch.Tensor]:
        if not isinstance(result, torch.Tensor | tuple | list):
            self._refuse(
                f"its forward returns {_kind(result)} instead of a tensor, or a tuple or list of tensors"
            )
        found = [result] if isinstance(result, torch.Tensor) else list(result)
        if not found:
            self._refuse("its forward returns nothing")
        for index, value in enumerate(found):
            if not isinstance(value, torch.Tensor):
                self._refuse(f"output {index} is {_kind(value)} and no tensor")
            self._tensor(f"output {index}", value)
            if not value.numel():
                self._refuse(f"output {index} has no elements")
        return found

    def _tensor(self, which: str, tensor: torch.Tensor) -> None:
        if tensor.layout is not torch.strided or tensor.is_nested:
            layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
            self._refuse(f"{which} is a {layout} tensor, and only dense ones can be handed over")
        if tensor.dtype not in _DTYPES:
            self._refuse(
                f"{which} is {str(tensor.dtype).removeprefix('torch.')}, a dtype that is not supported"
            )

    def _refuse(self, reason: str) -> None:
        raise TaskError(f"task '{self._task.name}' cannot be judged: {reason}")


def _plain(value: Any, also: tuple[type, ...] = ()) -> bool:
    """A number, a string, None, or a tuple or list of such; with ``also`` within."""
    if type(value) in (tuple, list):
        return all(_plain(item, also) for item in value)
    if type(value) is dict and dict in also:
        return all(_plain(item, also) for pair in value.items() for item in pair)
    return type(value) in _SCALARS or (bool(also) and isinstance(value, also) and type(value) is not dict)


def _kind(value: Any) -> str:
    name = type(value).__name__
    if type(value) in (tuple, list) and any(isinstance(item, torch.Tensor) for item in value):
        return f"a {name} with tensors in it"
    return "None" if value is None else f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _argument_names(model: Any, count: int) -> list[str]:
    """Of forward's first parameters, where each input is one of them."""
    found = [
        one.name
        for one in inspect.signature(model.forward).parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    return found[:count] if len(found) >= count else [f"input {index}" for index in range(count)]
