"""A candidate against its baseline: pairs of fresh processes, until the answer is clear. Judge's side."""

from __future__ import annotations

import statistics as plain
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from ..evaluation import Timing
from ..runners import Failure, Runner
from ..statistics import BATCH, Next, interval, log_ratios, next_pair
from .sides import Side
from .timing import NotTimed, Process, Stopwatch

_MAX_DISCARDED = 6


class BaselineFailed(NotTimed):
    """The kernel that a candidate is timed against failed."""


@dataclass
class Contest:
    """Pairs of fresh processes of a candidate and its baseline, until the answer is clear."""

    watch: Stopwatch
    candidate: Side
    baseline: Side
    tell: Callable[[str], None]
    check: Callable[[Process], None] = lambda candidate: None
    """Raises `Failure` when a candidate's process did something else than it should."""
    pairs: list[tuple[float, float]] = field(default_factory=list)
    claims: list[tuple[float, float]] = field(default_factory=list)
    """Per pair: the gain in ms that the events claim, and the one that the judge's clock saw."""
    waiting: list[Process] = field(default_factory=list)
    broken: Failure | None = None
    """What the baseline failed with before any contest."""

    def begin(self, stack: ExitStack) -> None:
        """Start the first processes ahead of their time."""
        self.waiting = self.watch.begin([self.candidate, self.baseline] * BATCH, stack)

    def warm_up(self) -> None:
        """Have the processes that were begun ready for their contests; raises `Failure` for the candidate's."""
        try:
            self.watch.warm_up(self.waiting)
        except Failure as failure:
            if failure.about != self.baseline.name:
                raise
            self.broken = failure

    def run(self, more: Callable[[list[float]], bool]) -> Timing:
        """Pairs for as long as ``more`` asks for them, given the log-ratios so far; raises `Failure` or `NotTimed`."""
        while more(log_ratios(self.pairs)) and self.watch.discarded <= _MAX_DISCARDED:
            with ExitStack() as stack:
                if not self.waiting:
                    self.begin(stack)
                    self.warm_up()
                processes, self.waiting = self.waiting, []
                self._batch(processes, more)
        if not self.pairs:
            raise NotTimed("the card throttled during every pair")
        return summarise(self.pairs, self.baseline.name, self.watch.discarded)

    def _batch(self, processes: list[Process], more: Callable[[list[float]], bool]) -> None:
        try:
            if self.broken is not None:
                raise self.broken
            for candidate, baseline in zip(processes[::2], processes[1::2], strict=True):
                if not more(log_ratios(self.pairs)):
                    break
                self._pair(candidate, baseline)
        finally:
            dismiss(*(process.runner for process in processes))

    def _pair(self, candidate: Process, baseline: Process) -> None:
        self.tell(f"timing, pair {len(self.pairs) + 1}")
        order = [candidate, baseline] if len(self.pairs) % 2 == 0 else [baseline, candidate]
        if self.watch.contest(order, baseline):
            self.check(candidate)
            self.pairs.append((candidate.median, baseline.median))
            self.claims.append((baseline.median - candidate.median, baseline.wall - candidate.wall))


def dismiss(*runners: Runner) -> None:
    """End them all at once: giving the card's memory back takes each a while."""
    for runner in runners:
        runner.order("leave")
    for runner in runners:
        runner.kill()


def against(contest: Contest, threshold: float) -> Timing:
    """Until it is clear whether the candidate is faster; raises `Failure` or `NotTimed`."""
    try:
        return contest.run(lambda found: next_pair(found, threshold) is Next.MORE)
    except Failure as failure:
        if failure.about == contest.baseline.name:
            raise BaselineFailed(f"the baseline failed ({failure.reason})") from None
        raise


def alone(watch: Stopwatch, baseline: Side) -> float:
    """Its median ms in a fresh process, with no other side's process alive; raises `BaselineFailed`."""
    with ExitStack() as stack:
        try:
            (process,) = watch.begin([baseline], stack)
            watch.warm_up([process])
            watch.contest([process], process)
        except Failure as failure:
            raise BaselineFailed(f"the baseline failed ({failure.reason})") from None
        return process.median


def summarise(pairs: list[tuple[float, float]], baseline: str, discarded: int) -> Timing:
    """What the pairs (candidate ms, baseline ms) say."""
    found = interval(log_ratios(pairs))
    return Timing(
        median_ms=plain.median(candidate for candidate, _ in pairs),
        baseline=baseline,
        baseline_ms=plain.median(base for _, base in pairs),
        speedup=found.ratio,
        speedup_ci95=(found.low, min(found.high, 1e9)),
        pairs=len(pairs),
        samples=pairs,
        discarded=discarded,
    )
