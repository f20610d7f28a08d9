"""Small shapes for a single file, guessed from its module-level integers and tried on its reference.

A task folder says its small shapes itself; a file in KernelBench's format cannot. A guess is taken when the
reference runs at it, quickly and with finite results, and its check refuses every answer that is none.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import torch
from kernelwright.reference_kernels import Task, TaskError
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..protocol import TaskFacts
from .fairness import unmoved
from .guesses import Aim, fair_guesses, guesses
from .impostors import impostors
from .oracle import Oracle, Shapes
from .sizes import Sizes

_ELEMENTS = 1 << 14
"""Of the largest tensor: Triton's interpreter takes 4 to 20 ms per program."""
_FAIR_ELEMENTS = 1 << 16
"""The same where multiples of a tile have to stay such."""
_ROWS = 400
"""Of an input or output: many kernels have one program per row."""
_FAIR_ROWS = 1 << 10
_BETWEEN = 1 << 20
"""Elements of the largest tensor on the reference's way to its answer."""
_OPERATIONS = 5000
_SECONDS = 1.0
"""Of CPU time for a reference's answers to one draw of inputs: other processes must not change what is guessed."""
_UNPROVEN = 3
"""So many guesses that prove nothing, and the first of them has to do: then it is not the guess's fault."""
_SEARCH_SECONDS = 10.0
"""Of CPU time, for one set of shapes."""


@dataclass(frozen=True)
class Guessed:
    """Shapes for one file at which its kernels can be checked on the CPU."""

    task: Task
    timed: TaskFacts
    sizes: Sizes
    small: list[Oracle]
    """Ragged ones first, on which all families of inputs are tried, then up to two more."""

    @property
    def replaced(self) -> bool:
        """Whether any constant had to be replaced: the file's own shapes may be small enough."""
        return bool(self.small[0].constants)

    @cached_property
    def fair(self) -> list[Oracle]:
        """Shapes that keep powers of two and multiples of a tile, each with other constants left as they are."""
        found: dict[str, Oracle] = {}
        for series in fair_guesses(self.sizes.values):
            tried = _working(self.task, self.sizes, series, _FAIR_ELEMENTS, _FAIR_ROWS)
            for oracle in islice(filter(_tells, tried), 1):
                found.setdefault(said(oracle), oracle)
        return list(found.values())

    def lost(self, oracle: Oracle) -> set[int]:
        """Lengths and numbers of elements of the timed tensors that none has at these shapes."""
        return _extents(self.timed) - _extents(oracle.facts)


def said(*oracles: Oracle) -> str:
    """``rows=3, columns=1501; rows=7, columns=5``, for people."""
    return "; ".join(
        ", ".join(f"{name}={value}" for name, value in one.constants.items() if not isinstance(value, float))
        for one in oracles
    )


def guess(task: Task) -> Guessed | None:
    """Small shapes for a task without such; None where nothing works. Raises `TaskError` for one that never runs."""
    with _Work(values=False, limited=False) as work:
        timed = Shapes(task).facts
    sizes = Sizes(task, work.values)
    tries = ((_own_first(sizes), _ELEMENTS, _ROWS), (_last(sizes), _FAIR_ELEMENTS, _FAIR_ROWS))
    found = (_proven(_working(task, sizes, *each)) for each in tries)
    first = next((one for one in found if one is not None), None)
    if first is None:
        return None
    small = [first]
    for aim in (Aim.RAGGED, Aim.TINY) if first.constants else ():
        tried = _working(task, sizes, guesses(sizes.values, aim), _ELEMENTS, _ROWS)
        small += [one for one in islice(tried, 1) if said(one) not in map(said, small)]
    return Guessed(task, timed, sizes, small)


def _own_first(sizes: Sizes) -> Iterator[dict[str, int]]:
    yield {}
    yield from guesses(sizes.values)


def _last(sizes: Sizes) -> Iterator[dict[str, int]]:
    """What is left for long recurrences and large literals, at which the interpreter takes longer."""
    yield from guesses(sizes.values, Aim.TINY)
    yield from guesses(sizes.values)


def _proven(working: Iterator[Oracle]) -> Oracle | None:
    """The first at which every answer that is none is refused, else the first of all.

    One at which the inputs do not matter, as with a single channel in each group, tells nothing of the others.
    """
    unproven: list[Oracle] = []
    still: list[Oracle] = []
    for oracle in working:
        if unmoved(oracle):
            still.append(oracle)
        elif _refuses_all(oracle):
            return oracle
        else:
            unproven.append(oracle)
        if len(unproven) == _UNPROVEN:
            break
    return next(iter([*unproven, *still]), None)


def _tells(oracle: Oracle) -> bool:
    """Whether a kernel that is right there may be believed."""
    return not unmoved(oracle) and _refuses_all(oracle)


def _refuses_all(oracle: Oracle) -> bool:
    return all(impostor.refused is not False for impostor in impostors(oracle))


def _working(
    task: Task, sizes: Sizes, tried: Iterable[Mapping[str, int]], elements: int, rows: int
) -> Iterator[Oracle]:
    """The task at those of the guesses at which its reference is small and quick and has a finite answer."""
    until = time.process_time() + _SEARCH_SECONDS
    for values in tried:
        if time.process_time() > until:
            return
        try:
            constants = sizes.with_values(values)
            with _Work(sizes.need_values):
                facts = Shapes(task, constants).facts
            oracle = Oracle(task, "cpu", constants) if _fits(facts, elements, rows) else None
            if oracle is not None and _answers(oracle):
                yield oracle
        except Exception:  # whatever a reference says of sizes that it was not written for
            continue


def _answers(oracle: Oracle) -> bool:
    began = time.process_time()
    return oracle.case("nominal") is not None and time.process_time() - began < _SECONDS


def _fits(facts: TaskFacts, elements: int, rows: int) -> bool:
    tensors = [*facts.inputs, *facts.parameters, *facts.outputs]
    if any(math.prod(tensor.shape) > elements for tensor in tensors):
        return False
    return all(math.prod(tensor.shape[:-1]) <= rows for tensor in (*facts.inputs, *facts.outputs))


def _extents(facts: TaskFacts) -> set[int]:
    shapes = [tensor.shape for tensor in (*facts.inputs, *facts.parameters, *facts.outputs)]
    return {size for shape in shapes for size in (*shape, math.prod(shape))}


class _Work(TorchDispatchMode):  # type: ignore[misc]
    """Stops a reference that would make large tensors, or very many, on its way: a guess has to be cheap to try.

    One that runs on meta tensors is not run on real ones only since a guess was wrong: those may be large.
    """

    def __init__(self, values: bool, limited: bool = True) -> None:
        super().__init__()
        self.values = values
        """Whether tensors with values may be made; afterwards, unlimited, whether any was."""
        self._limited = limited
        self._operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [one for one in tree_leaves(result) if isinstance(one, torch.Tensor)]
        real = not all(one.is_meta for one in made)
        self._operations += 1
        if not self._limited:
            self.values |= real
        elif (real and not self.values) or self._operations > _OPERATIONS or _largest(made) > _BETWEEN:
            raise TaskError("too much work for a guess")
        return result


def _largest(tensors: list[torch.Tensor]) -> int:
    return max((one.numel() for one in tensors), default=0)
