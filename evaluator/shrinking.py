"""Small shapes for a single file, guessed from its module-level integers and tried on its reference.

A task folder says its small shapes itself; a file in KernelBench's format cannot. A guess is taken when the
reference runs at it, quickly and with finite results, and its check refuses every answer that is none.
"""

from __future__ import annotations

import ast
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

from .contract import load_reference
from .guesses import Aim, fair_guesses, guesses
from .impostors import impostors
from .oracle import Oracle, Shapes
from .protocol import TaskFacts

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
            for oracle in islice(tried, 1):
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
    first = _proven(_working(task, sizes, _own_first(sizes), _ELEMENTS, _ROWS))
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


def _proven(working: Iterator[Oracle]) -> Oracle | None:
    """The first at which every answer that is none is refused, else the first of all."""
    unproven = []
    for oracle in working:
        if all(impostor.refused is not False for impostor in impostors(oracle)):
            return oracle
        unproven.append(oracle)
        if len(unproven) == _UNPROVEN:
            break
    return unproven[0] if unproven else None


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


class Sizes:
    """The integers that a file's top level spells out, and what it computes from them."""

    def __init__(self, task: Task, need_values: bool = False) -> None:
        self.need_values = need_values
        """Whether the reference does not run on meta tensors."""
        self._module = dict(vars(load_reference(task)))
        self._names: list[str] = []
        self._computed: list[ast.stmt] = []
        self._spelled: list[str] = []
        for statement in ast.parse(task.reference_source()).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                self._note(statement, statement.value)

    def _note(self, statement: ast.Assign | ast.AnnAssign, value: ast.expr) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        bound = [name for target in targets for name in _bound(target)]
        names = [name for name in bound if _numbers(self._module.get(name))]
        if not names or len(names) != len(bound):
            return
        if _mentioned(value) & set(self._names):
            self._computed.append(statement)
        else:
            self._spelled += names
        self._names += names

    @property
    def values(self) -> dict[str, int]:
        """Positive integers by name, those of a tuple or list as ``name[index]``."""
        flat = ((name, *item) for name in dict.fromkeys(self._spelled) for item in _flat(self._module[name]))
        return {name + index: value for name, index, value in flat if _is_size(value)}

    def with_values(self, values: Mapping[str, int]) -> dict[str, Any]:
        """Every constant that differs from the file's when these are its sizes, computed ones too."""
        changed = dict(self._module)
        for name in self._spelled:
            changed[name] = _replaced(name, self._module[name], values)
        for statement in self._computed:
            exec(compile(ast.Module([statement], []), "<constants>", "exec"), changed)
        names = dict.fromkeys(self._names)
        return {name: changed[name] for name in names if changed[name] != self._module[name]}


def _bound(target: ast.expr) -> list[str]:
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def _mentioned(value: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}


def _numbers(value: Any) -> bool:
    """A number, or a tuple or list of such."""
    items = value if isinstance(value, tuple | list) and value else [value]
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _flat(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, tuple | list):
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    return [("", value)]


def _replaced(name: str, value: Any, values: Mapping[str, int]) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(values.get(f"{name}[{index}]", item) for index, item in enumerate(value))
    return values.get(name, value)
