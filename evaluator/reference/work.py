"""What a reference makes on its way to its answer: how much, and whether shorter axes hide what it does with them."""

from __future__ import annotations

from typing import Any

import torch
from kernelwright.reference_kernels import TaskError
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_OPERATIONS = 5000


class TooMuch(TaskError):
    """A guess at which the reference makes more than a guess may."""


class Work(TorchDispatchMode):  # type: ignore[misc]
    """Hears each operation, and stops a reference that makes large tensors or very many: a guess has to be cheap.

    One that runs on meta tensors is not run on real ones only since a guess was wrong: those may be large.
    """

    def __init__(self, values: bool = False, between: int | None = None, held: int | None = None) -> None:
        super().__init__()
        self.values = values
        """Whether tensors with values may be made; afterwards, without a limit, whether any was."""
        self.between = between
        """Elements of the largest tensor that is computed from others; None for no limit at all."""
        self.largest = 0
        """How many it had."""
        self.shapes: list[tuple[str, list[torch.Size]]] = []
        """What each operation made, by its name."""
        self.unmet: list[bool] = []
        """Of each convolution, whether an end of its window meets nothing but padding."""
        self._held = held or between
        """Elements of the largest tensor that is made of nothing, as parameters are, or shares another's memory."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [one for one in tree_leaves(result) if isinstance(one, torch.Tensor)]
        self.shapes.append((str(func), [one.shape for one in made]))
        if func is torch.ops.aten.convolution.default:
            self.unmet.append(_unmet(result, *args))
        self._count(made, computed=_holds_tensors(args) and not _aliases(func))
        return result

    def _count(self, made: list[torch.Tensor], computed: bool) -> None:
        largest = max((one.numel() for one in made), default=0)
        self.largest = max(self.largest, largest if computed else 0)
        real = not all(one.is_meta for one in made)
        most = self.between if computed else self._held
        if most is None:
            self.values |= real
        elif (real and not self.values) or len(self.shapes) > _OPERATIONS or largest > most:
            raise TooMuch("too much work for a guess")

    def lengths(self) -> set[int]:
        """Of the axes of all that was made."""
        return {length for _, made in self.shapes for shape in made for length in shape}

    def hides(self, timed: Work) -> bool:
        """Whether something is lost in the same operations at these shapes: an axis, or the end of a window.

        Pooling, softmax and norms over a single element do nothing, so a kernel that is wrong there looks right.
        Where the shapes change which operations there are, nothing is known.
        """
        if [name for name, _ in self.shapes] != [name for name, _ in timed.shapes]:
            return False
        made = ((ours, theirs) for (_, ours), (_, theirs) in zip(self.shapes, timed.shapes, strict=True))
        lost = any(flattened(*pair) for ours, theirs in made for pair in zip(ours, theirs, strict=False))
        return lost or any(here and not there for here, there in zip(self.unmet, timed.unmet, strict=False))


def flattened(ours: torch.Size | list[int], theirs: torch.Size | list[int]) -> bool:
    """Whether an axis of theirs that is longer than one has a single element in ours."""
    return len(ours) == len(theirs) and any(a == 1 < b for a, b in zip(ours, theirs, strict=True))


def _holds_tensors(args: tuple[Any, ...]) -> bool:
    return any(isinstance(one, torch.Tensor) for one in tree_leaves(args))


def _aliases(func: Any) -> bool:
    """Whether what it returns is one of its arguments, or a view of one."""
    return any(one.alias_info is not None for one in func._schema.returns)


def _unmet(
    made: torch.Tensor,
    given: torch.Tensor,
    weight: torch.Tensor,
    bias: Any,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    *rest: Any,
) -> bool:
    """Whether the first place of a convolution's window never lies on its input; the last is met where it is."""
    axes = zip(made.shape[2:], stride, padding, strict=False)
    return not transposed and any(step * (out - 1) < pad for out, step, pad in axes)
