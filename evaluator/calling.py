"""One call of a candidate as the judge sees it: fresh inputs, NaN in the outputs, a clock of its own."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from . import defences
from .bench import Bench, synchronize
from .defences import Defence
from .evaluation import Status
from .orders import Call
from .runners import Failure, Runner


@dataclass(frozen=True)
class Called:
    """What came of one call."""

    which: int
    """The output set that was used."""
    ms: float | None
    """Between the runner's own events; None without a card."""
    wall_ms: float
    """From the order to its end on the judge's clock: flush, call and copy of the outputs."""
    launched: tuple[str, ...]
    """Triton kernels with their grids, as the runner saw them."""
    flags: tuple[str, ...]
    """Global settings of PyTorch that the candidate changed."""
    outputs: list[torch.Tensor] = field(default_factory=list)
    """Private copies of the outputs as they were when the clock stopped, where they were asked for."""


class Caller:
    """Makes calls of one runner on one bench."""

    def __init__(self, bench: Bench, runner: Runner, device: str, until: float | None = None) -> None:
        self.bench = bench
        self.runner = runner
        self.device = device
        self.until = until
        """When the time for all calls is up, on the monotonic clock; None: each has its own limit only."""

    def place(self, values: list[Any], which: int | None = None) -> tuple[int, Call]:
        """Inputs in a set chosen at random, outputs full of NaN: everything for one call."""
        chosen = secrets.randbelow(self.bench.sets) if which is None else which
        handed = self.bench.write_inputs(values, chosen)
        if defences.on(Defence.POISON):
            self.bench.poison(chosen)
        synchronize(self.device)
        return chosen, Call(handed, self.bench.outputs[chosen], self.bench.flush, secrets.randbelow(256))

    def call(
        self, values: list[Any], seconds: float, doing: str, which: int | None = None, keep: bool = False
    ) -> Called:
        """One call; raises `Failure` when it failed, changed its inputs, skipped the flush or is not done.

        What the outputs are counts at the moment when the clock stops: a runner that says too early that it is
        done has nothing there yet.
        """
        chosen, order = self.place(values, which)
        began = time.perf_counter()
        self.runner.order("call", call=order)
        self.runner.answer(self._patience(seconds, doing), doing)
        wall = (time.perf_counter() - began) * 1000
        outputs = self.bench.read_outputs(chosen) if keep else []
        self._check(values, chosen, order.stamp)
        if not keep and defences.on(Defence.POISON) and not self.bench.written(chosen):
            raise Failure(Status.INCORRECT, "its outputs were not written when it was done", Defence.POISON)
        answer = self.runner.answer(seconds, doing)
        return Called(
            chosen,
            _milliseconds(answer.get("ms")) if self.bench.flush else None,
            wall,
            _words(answer.get("launched")),
            _words(answer.get("flags")),
            outputs,
        )

    def _patience(self, seconds: float, doing: str) -> float:
        """How long to wait for a call; raises `Failure` when the time for all of them is up."""
        if self.until is None:
            return seconds
        left = self.until - time.monotonic()
        if left <= 0:
            self.runner.kill()
            raise Failure(Status.TIMEOUT, f"all its calls together took too long (while {doing})")
        return min(seconds, left)

    def begin(self, values: list[Any]) -> None:
        """A first call that nobody looks at, for which `wait` waits."""
        self.runner.order("call", call=self.place(values, 0)[1])

    def wait(self, seconds: float, doing: str) -> None:
        """Until the call that was begun is done; raises `Failure` when it failed."""
        for _ in range(2):
            self.runner.answer(seconds, doing)

    def trace(self, values: list[Any], seconds: float) -> tuple[int, dict[str, Any]]:
        """One traced call: the set with its outputs, and the runner's answer."""
        chosen, order = self.place(values)
        answer = self.runner.ask("trace", seconds, "being traced", call=order)
        self._check(values, chosen, order.stamp)
        return chosen, answer

    def _check(self, values: list[Any], which: int, stamp: int) -> None:
        if defences.on(Defence.INPUTS_KEPT) and not self.bench.inputs_unchanged(values, which):
            raise Failure(Status.REJECTED, "forward changed its inputs", Defence.INPUTS_KEPT)
        if defences.on(Defence.CLOCK) and not self.bench.flushed(stamp):
            raise Failure(Status.REJECTED, "it left out the flush of L2 before the call", Defence.CLOCK)


_LONGEST_MS = 1e6
_NAMES = 1000


def _milliseconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < _LONGEST_MS:
        raise Failure(Status.REJECTED, "the runner reported a time that is no time", Defence.CLOCK)
    return float(value)


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(word)[:200] for word in value[:_NAMES]) if isinstance(value, list) else ()
