"""Times kernels against each other in fresh processes, interleaved call by call, on one card. Judge's side."""

from __future__ import annotations

import secrets
import statistics as plain
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from .. import defences
from ..calling import Called, Caller
from ..defences import Defence
from ..devices import read_clocks
from ..evaluation import Status
from ..reference.oracle import Case, Oracle, judge
from ..runners import Failure, Runner
from .sides import Side

WARM_SECONDS = 90.0
"""For the first call, which may compile and autotune."""
CALL_SECONDS = 30.0
CONTEST_SECONDS = 180.0
"""For all calls of one contest: nine of the slowest baseline that one may wait for."""

_CONTEST_MS = 60.0
"""GPU time of one process in one contest, about."""
_MIN_CALLS, _MAX_CALLS = 9, 32
_RECHECKS = 3
"""Calls of each contest whose outputs are compared, chosen at random."""


@dataclass
class Process:
    """One fresh process of one side."""

    side: Side
    runner: Runner
    called: list[Called] = field(default_factory=list)
    until: float | None = None
    """When the time for its calls is up, on the monotonic clock."""

    @property
    def caller(self) -> Caller:
        """What calls it."""
        return Caller(self.side.bench, self.runner, "cuda", self.until)

    @property
    def median(self) -> float:
        """Median event time of all its calls, ms."""
        return plain.median(one.ms for one in self.called if one.ms is not None)

    @property
    def wall(self) -> float:
        """Median of what the judge's clock saw of a call, ms, flush and copies included."""
        return plain.median(one.wall_ms for one in self.called)

    @property
    def launched(self) -> tuple[str, ...]:
        """What most of its calls launched."""
        return Counter(one.launched for one in self.called).most_common(1)[0][0]


class NotTimed(Exception):
    """There are no times; says nothing about the candidate."""


class Stopwatch:
    """Starts processes, gives them secret inputs, reads and rechecks what they report."""

    def __init__(self, oracle: Oracle, card_index: int = 0) -> None:
        self._oracle = oracle
        self._card = card_index
        self.discarded = 0
        self.tuned: set[str] = set()
        """Names of the sides whose compiled kernels and choices of configuration lie in their cache."""

    def begin(self, sides: list[Side], stack: ExitStack) -> list[Process]:
        """One fresh process per side, without waiting for them: CUDA starts in all at once."""
        processes = [Process(side, side.begin(self._oracle.init_inputs, stack)) for side in sides]
        for process in processes:
            process.runner.order("parameters", slots=process.side.bench.parameters)
        return processes

    def warm_up(self, processes: list[Process]) -> None:
        """Wait until they are built; a first call in each, which may compile and tune, and a second."""
        for process in processes:
            with _about(process.side):
                for doing in ("starting", "being imported and built", "taking its parameters"):
                    process.runner.answer(WARM_SECONDS, doing)
        values = self._oracle.draw_inputs("nominal")
        self._tune(processes, values)
        # Loading a compiled kernel takes the processor's time, so all of them do it at once.
        for process in processes:
            process.caller.begin(values)
        for process in processes:
            with _about(process.side):
                process.caller.wait(WARM_SECONDS, "compiling or computing for the first time")
        for process in processes:
            with _about(process.side):
                process.caller.call(values, CALL_SECONDS, "computing for the second time")

    def _tune(self, processes: list[Process], values: list[Any]) -> None:
        """One process of each side computes alone: beside others it would tune badly, and all would keep that."""
        for process in processes:
            if process.side.name not in self.tuned:
                with _about(process.side):
                    process.caller.call(values, WARM_SECONDS, "compiling or computing for the first time")
                self.tuned.add(process.side.name)

    def contest(self, processes: list[Process], rhythm: Process) -> bool:
        """Calls, interleaved, on inputs that are new for each; the first to go changes every time.

        Their number follows from the time of ``rhythm``, the baseline, and from chance: a candidate has no say
        in it. False: the card throttled.
        """
        before = read_clocks(self._card)
        for process in processes:
            process.until = time.monotonic() + CONTEST_SECONDS
        calls = self._number_of_calls(rhythm)
        rechecked = set(secrets.SystemRandom().sample(range(calls), _RECHECKS))
        for number in range(calls):
            case = self._oracle.case("nominal") if number in rechecked else None
            values = case.inputs if case else self._oracle.draw_inputs("nominal")
            for process in processes if number % 2 == 0 else processes[::-1]:
                self._one(process, values, case)
        after = read_clocks(self._card)
        throttled = any(clocks is not None and clocks.throttled for clocks in (before, after))
        self.discarded += throttled
        return not throttled

    def _number_of_calls(self, rhythm: Process) -> int:
        with _about(rhythm.side):
            values = self._oracle.draw_inputs("nominal")
            typical = plain.median(
                rhythm.caller.call(values, CALL_SECONDS, "being timed").ms or 0.0 for _ in range(3)
            )
        least = max(_MIN_CALLS, min(_MAX_CALLS, int(_CONTEST_MS / max(typical, 1e-3))))
        return least + secrets.randbelow(_MIN_CALLS)

    def _one(self, process: Process, values: list[Any], case: Case | None) -> None:
        with _about(process.side):
            doing = f"being timed ({process.side.name})"
            keep = case is not None and defences.on(Defence.RECHECK)
            called = process.caller.call(values, CALL_SECONDS, doing, keep=keep)
            process.called.append(replace(called, outputs=[]))
            if case is not None and keep:
                recheck(case, process, called.outputs)


def recheck(case: Case, process: Process, outputs: list[torch.Tensor]) -> None:
    """The outputs of a timed call are compared like all others."""
    if not judge(case, outputs).passed:
        raise Failure(
            Status.INCORRECT, f"{process.side.name}'s output of a timed call was wrong", Defence.RECHECK
        )


@contextmanager
def _about(side: Side) -> Iterator[None]:
    """A failure within says which side it is about."""
    try:
        yield
    except Failure as failure:
        failure.about = side.name
        raise
