"""Small shapes for a single file, guessed from the integers that it spells out and tried on its reference.

A task folder says its small shapes itself; a file in KernelBench's format cannot. A guess is taken when the
reference runs at it, quickly and with finite results, no axis on its way shrinks to a single element, and its check
refuses every answer that is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from kernelwright.reference_kernels import Task

from ..protocol import TaskFacts
from .guesses import Aim, fair_guesses, few_guesses, guesses
from .oracle import Oracle, Shapes
from .sizes import Sizes
from .trials import HEAVIEST, Room, Trials
from .work import Work

_SMALL = Room(elements=1 << 14, rows=400)
_FAIR = Room(elements=1 << 16, rows=1 << 10)
"""Where multiples of a tile have to stay such."""
_HEAVY = (
    Room(elements=1 << 14, rows=400, between=1 << 16, heavy=True, seconds=4),
    Room(elements=1 << 16, rows=1 << 10, between=1 << 18, heavy=True, seconds=4),
    Room(elements=1 << 19, rows=1 << 11, between=1 << 21, heavy=True, seconds=4),
)
"""For models whose channels no guess replaces, and in the end for those that insist on images of 224 by 224."""

_SEARCH_SECONDS = 10.0
"""Of CPU time, for one set of shapes; half where literals are replaced, which most large networks have."""


@dataclass(frozen=True)
class Guessed:
    """Shapes for one file at which its kernels can be checked on the CPU."""

    trials: Trials
    room: Room
    """For shapes that keep more of the file's sizes."""
    small: list[Oracle]
    """Ragged ones first, on which all families of inputs are tried, then up to two more."""

    @property
    def task(self) -> Task:
        """The file."""
        return self.trials.task

    @property
    def sizes(self) -> Sizes:
        """What was replaced."""
        return self.trials.sizes

    @property
    def replaced(self) -> bool:
        """Whether any constant had to be replaced: the file's own shapes may be small enough."""
        return bool(self.small[0].constants)

    @cached_property
    def fair(self) -> list[Oracle]:
        """Shapes that keep powers of two and multiples of a tile, each with other constants left as they are."""
        found: dict[str, Oracle] = {}
        for series in fair_guesses(self.sizes.values):
            for oracle in islice(self.trials.telling(series, self.room), 1):
                found.setdefault(said(oracle), oracle)
        return list(found.values())

    def lost(self, oracle: Oracle) -> set[int]:
        """Lengths and numbers of elements of the timed tensors that none has at these shapes.

        Also of what is made on the way, without powers of two, which are mostly tiles.
        """
        with Work() as work:
            Shapes(self.task, oracle.constants)
        between = self.trials.work.lengths() - work.lengths()
        return _extents(self.trials.timed) - _extents(oracle.facts) | {
            one for one in between if one & (one - 1)
        }


def said(*oracles: Oracle) -> str:
    """``rows=3, columns=1501; rows=7, columns=5``, for people."""
    return "; ".join(
        ", ".join(f"{name}={value}" for name, value in one.constants.items() if not isinstance(value, float))
        for one in oracles
    )


def guess(task: Task) -> Guessed | None:
    """Small shapes for a task without such; None where nothing works. Raises `TaskError` for one that never runs."""
    with Work() as work:
        timed = Shapes(task).facts
    outer = Trials(task, Sizes(task, work.values), timed, work, _SEARCH_SECONDS)
    inner = replace(outer, sizes=Sizes(task, work.values, inner=True), seconds=_SEARCH_SECONDS / 2)
    tries = ((_light, outer), (_light, inner), (_heavy, inner), (_light, replace(outer, hiding=True)))
    found = (search(trials) for search, trials in tries)
    return next((one for one in found if one is not None), None)


def _light(trials: Trials) -> Guessed | None:
    if trials.stuck(_FAIR.elements):
        return None
    tries = ((_own_first(trials.sizes), _SMALL), (_last(trials.sizes), _FAIR))
    found = (trials.proven(*each) for each in tries)
    first = next((one for one in found if one is not None), None)
    if first is None:
        return None
    small = [first]
    for aim in (Aim.RAGGED, Aim.TINY) if first.constants else ():
        tried = trials.working(guesses(trials.sizes.values, aim), _SMALL)
        small += [one for one in islice(tried, 1) if said(one) not in map(said, small)]
    return Guessed(trials, _FAIR, small)


def _heavy(trials: Trials) -> Guessed | None:
    if trials.stuck(HEAVIEST // 4):
        return None
    found = (trials.proven([{}, *few_guesses(trials.sizes.values)], room) for room in _HEAVY)
    first = next((one for one in found if one is not None), None)
    return Guessed(trials, _HEAVY[-1], [first]) if first else None


def _own_first(sizes: Sizes) -> Iterator[dict[str, int]]:
    yield {}
    yield from guesses(sizes.values)


def _last(sizes: Sizes) -> Iterator[dict[str, int]]:
    """What is left for long recurrences and large literals, at which the interpreter takes longer."""
    yield from guesses(sizes.values, Aim.TINY)
    yield from guesses(sizes.values)


def _extents(facts: TaskFacts) -> set[int]:
    shapes = [tensor.shape for tensor in (*facts.inputs, *facts.parameters, *facts.outputs)]
    return {size for shape in shapes for size in (*shape, math.prod(shape))}
