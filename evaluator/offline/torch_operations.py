"""Records the work that PyTorch itself would do on the card between the Triton launches."""

from __future__ import annotations

from typing import Any

import torch
from torch._library.custom_ops import OPDEFS
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .recorded import TorchOperation
from .recorder import Recorder

_ALLOCATIONS = (
    "empty",
    "empty_strided",
    "empty_like",
    "new_empty",
    "new_empty_strided",
    "lift_fresh",
    "detach",
)
_OVERWRITES = ("zero_", "fill_", "copy_", "uniform_", "normal_", "random_")


class TorchOperations(TorchDispatchMode):  # type: ignore[misc]
    """Sees each operator after PyTorch has broken composite ones up; enter it inside the fake-tensor mode."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator, then note its bytes."""
        named = kwargs or {}
        own = OPDEFS.get(func._schema.name)
        if own is not None:
            with (
                self
            ):  # the candidate's own operator: fake tensors would run its stand-in, which launches nothing
                return own._init_fn(*args, **named)
        result = func(*args, **named)
        written = _card_bytes(result)
        name = func._schema.name
        short = name.split("::")[-1]
        if written and not func.is_view and short not in _ALLOCATIONS:
            sources = args[1:] if short in _OVERWRITES else args
            read = _card_bytes((sources, named))
            self._recorder.add(TorchOperation(name=name, read_bytes=read, written_bytes=written))
        return result


def _card_bytes(values: object) -> int:
    """Bytes of the tensors on the card; an expanded tensor counts once."""
    tensors = [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
    return sum(_bytes(tensor) for tensor in tensors if tensor.device.type == "cuda")


def _bytes(tensor: Any) -> int:
    distinct = 1
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        distinct *= size if stride or size == 0 else 1
    return distinct * int(tensor.element_size())
