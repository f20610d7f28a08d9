"""Which guesses of small shapes a reference runs at, how large it is there, and what its answers there tell."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from kernelwright.reference_kernels import Task, TaskError

from ..protocol import TaskFacts
from .contract import blaming, load_reference
from .facts import size
from .fairness import unmoved
from .impostors import impostors
from .oracle import Oracle, Shapes
from .patience import Overdue
from .sizes import Sizes
from .work import Work, flattened

HEAVIEST = 128_000_000
"""Bytes of all parameters; a reference, its copy in fp64 and a kernel's copy take five times as much."""
_HEAVY_BETWEEN = 1 << 21
"""Elements of the largest tensor on the way in any heavy room."""
_UNPROVEN = 3
"""So many guesses that prove nothing, and the first of them has to do: then it is not the guess's fault."""


@dataclass(frozen=True)
class Room:
    """What shapes may take: Triton's interpreter takes 4 to 20 ms per program."""

    elements: int
    """Of the largest input or output."""
    rows: int
    """Of an input or output: many kernels have one program per row."""
    between: int = 1 << 20
    """Elements of the largest tensor on the reference's way to its answer."""
    heavy: bool = False
    """Whether parameters may be larger than inputs, up to `HEAVIEST` in all."""
    seconds: float = 1.0
    """Of CPU time for a reference's answers to one draw of inputs: other processes must not change what is guessed."""

    def holds(self, facts: TaskFacts) -> bool:
        """Whether a task with these facts fits in."""
        given = (*facts.inputs, *facts.outputs)
        if self.heavy and sum(map(size, facts.parameters)) > HEAVIEST:
            return False
        light = given if self.heavy else (*given, *facts.parameters)
        return all(math.prod(tensor.shape) <= self.elements for tensor in light) and all(
            math.prod(tensor.shape[:-1]) <= self.rows for tensor in given
        )

    def work(self, values: bool) -> Work:
        """A limit on what a reference makes, the same for all heavy rooms, so that each guess is described once."""
        return Work(values, _HEAVY_BETWEEN, HEAVIEST // 4) if self.heavy else Work(values, self.between)


@dataclass(frozen=True)
class Trials:
    """One file's reference at small shapes."""

    task: Task
    sizes: Sizes
    timed: TaskFacts
    work: Work
    """What the reference makes at its own shapes."""
    seconds: float
    """Of CPU time to search for one set of shapes."""
    hiding: bool = False
    """Whether shapes will do that hide part of what the reference does."""
    _known: dict[str, tuple[TaskFacts, Work] | None] = field(default_factory=dict)
    """What was made at which shapes; None where it was too much or did not run."""

    def stuck(self, elements: int) -> bool:
        """Whether the model has a parameter of more elements even where each size is one."""
        constants = self.sizes.with_values(dict.fromkeys(self.sizes.values, 1))
        try:
            with blaming(self.task), torch.device("meta"):
                module = load_reference(self.task, constants)
                held = module.Model(*module.get_init_inputs()).state_dict().values()
        except TaskError:
            return False
        return max((tensor.numel() for tensor in held), default=0) > elements

    def proven(self, tried: Iterable[Mapping[str, int]], room: Room) -> Oracle | None:
        """The first at which every answer that is none is refused, else the first of all.

        One at which the inputs do not matter, as with a single channel in each group, tells nothing of the others.
        """
        unproven: list[Oracle] = []
        still: list[Oracle] = []
        for oracle in self.working(tried, room):
            if unmoved(oracle):
                still.append(oracle)
            elif _refuses_all(oracle):
                return oracle
            else:
                unproven.append(oracle)
            if len(unproven) == _UNPROVEN:
                break
        return next(iter([*unproven, *still]), None)

    def telling(self, tried: Iterable[Mapping[str, int]], room: Room) -> Iterator[Oracle]:
        """Those at which a kernel that is right may be believed."""
        return (one for one in self.working(tried, room) if not unmoved(one) and _refuses_all(one))

    def working(self, tried: Iterable[Mapping[str, int]], room: Room) -> Iterator[Oracle]:
        """The task at those of the guesses at which its reference is small and quick and has a finite answer."""
        until = time.process_time() + self.seconds
        for values in tried:
            if time.process_time() > until:
                return
            try:
                oracle = self._at(self.sizes.with_values(values), room)
            except Overdue:
                raise
            except Exception:  # whatever a reference says of sizes that it was not written for
                continue
            if oracle is not None:
                yield oracle

    def _at(self, constants: dict[str, Any], room: Room) -> Oracle | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with a guess is not what is wrong with the file
            oracle = Oracle(self.task, "cpu", constants) if self._fits(constants, room) else None
            return oracle if oracle is not None and _answers(oracle, room.seconds) else None

    def _fits(self, constants: dict[str, Any], room: Room) -> bool:
        with room.work(self.sizes.need_values):
            if not _draws_little(self.task, constants, room.elements):
                return False
        facts, work = self._described(constants, room)
        fits = room.holds(facts) and work.largest <= room.between
        return fits and (self.hiding or not self._hides(facts, work))

    def _described(self, constants: dict[str, Any], room: Room) -> tuple[TaskFacts, Work]:
        key = f"{constants} {room.heavy}"
        if key not in self._known:
            self._known[key] = None
            with room.work(self.sizes.need_values) as work:
                self._known[key] = Shapes(self.task, constants).facts, work
        known = self._known[key]
        if known is None:
            raise TaskError("it did not run there before")
        return known

    def _hides(self, facts: TaskFacts, work: Work) -> bool:
        pairs = zip((*facts.inputs, *facts.outputs), (*self.timed.inputs, *self.timed.outputs), strict=False)
        return work.hides(self.work) or any(flattened(one.shape, timed.shape) for one, timed in pairs)


def _draws_little(task: Task, constants: dict[str, Any], elements: int) -> bool:
    """Whether the inputs may fit, which is known sooner than the rest; True where only the rest can tell."""
    try:
        with torch.device("meta"):
            inputs = load_reference(task, constants).get_inputs()
        tensors = [value for value in inputs if isinstance(value, torch.Tensor)]
    except Overdue:
        raise
    except Exception:
        return True
    return all(tensor.numel() <= elements for tensor in tensors)


def _refuses_all(oracle: Oracle) -> bool:
    return all(impostor.refused is not False for impostor in impostors(oracle))


def _answers(oracle: Oracle, seconds: float) -> bool:
    began = time.process_time()
    return oracle.case("nominal") is not None and time.process_time() - began < seconds
