"""What can be handed to a kernel and compared with its answer; everything else is refused, with the reason."""

from __future__ import annotations

from typing import Any

import torch
from kernelwright.reference_kernels import Task, TaskError

_SCALARS = (int, float, bool, str, type(None))
_DTYPES = frozenset(
    getattr(torch, name)
    for name in (
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"
    )
)  # fmt: skip


class Supported:
    """What one task's reference takes, holds and gives: each raises `TaskError` for what no kernel can be given."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def arguments(self, name: str, found: Any) -> list[Any]:
        """What get_inputs or get_init_inputs returned, as a list."""
        if type(found) not in (list, tuple):
            self._refuse(f"its {name} returns {_kind(found)} instead of a list")
        for index, value in enumerate(found if name == "get_init_inputs" else ()):
            if not isinstance(value, torch.Tensor) and not _plain(value, (torch.Tensor, torch.dtype, dict)):
                self._refuse(f"constructor argument {index} is {_kind(value)}, which no kernel can be given")
        return list(found)

    def inputs(self, values: list[Any]) -> None:
        """What forward is called with: a dense tensor at least, and plain values."""
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
        """The state_dict, which holds dense tensors alone."""
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
        """What forward returned: a dense tensor, or several in a tuple or list."""
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
