"""Files that draw their inputs on a card, used where there is none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


def anywhere(get_inputs: Callable[[], Any]) -> Callable[[], Any]:
    """The same function; on a machine without a card ``cuda`` means wherever tensors are made by default."""

    @wraps(get_inputs)
    def drawn() -> Any:
        with _Cardless():
            return get_inputs()

    return get_inputs if torch.cuda.is_available() else drawn


class _Cardless(TorchFunctionMode):  # type: ignore[misc]
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.cuda:
            return args[0]
        named = {
            name: value for name, value in (kwargs or {}).items() if not (name == "device" and _card(value))
        }
        if func is torch.Tensor.to:
            args = tuple(args[0].device if _card(value) else value for value in args)
            return func(*args, **named) if len(args) > 1 or named else args[0]
        return func(*args, **named)


def _card(value: Any) -> bool:
    return isinstance(value, str | torch.device) and str(value).startswith("cuda")
