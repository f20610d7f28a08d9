"""Times kernels against each other in fresh processes, interleaved, on one card. Judge's side."""

from __future__ import annotations

import secrets
import statistics as plain
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..bench import synchronize
from ..devices import read_clocks
from ..evaluation import Status, Timing
from ..oracle import Case, Oracle, judge
from ..runners import Failure, Runner, WarmParent
from ..statistics import BATCH, Next, interval, log_ratios, next_pair
from .sides import Side

WARM_SECONDS = 90.0
"""For the first call, which may compile and autotune."""
CALL_SECONDS = 30.0

_CONTEST_MS = 60.0
"""GPU time of one process in one contest, about."""
_MAX_DISCARDED = 6
_LONGEST_MS = 1e6
_WALL_SLACK_MS = 0.5
"""Per call: what the judge's clock may miss of a gain before the runner's times are refused."""


@dataclass
class Process:
    """One fresh process of one side."""

    side: Side
    runner: Runner
    orders: int = 0
    """How often it is asked for one call on each input set."""
    times: list[float] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    """Per order: the judge's own clock over the order, in ms per call."""

    @property
    def median(self) -> float:
        """Median event time of all its calls, ms."""
        return plain.median(self.times)

    @property
    def wall(self) -> float:
        """Median of what the judge's clock saw, ms per call, flush and copies included."""
        return plain.median(self.walls)


class BaselineFailed(Exception):
    """The kernel that a candidate is timed against failed; says nothing about the candidate."""


class Stopwatch:
    """Starts processes, gives them secret inputs, reads and rechecks what they report."""

    def __init__(self, oracle: Oracle, parent: WarmParent, flush_bytes: int, card_index: int = 0) -> None:
        self._oracle = oracle
        self._parent = parent
        self._flush_bytes = flush_bytes
        self._card = card_index
        self.discarded = 0

    def start(self, sides: list[Side], stack: ExitStack) -> list[Process]:
        """One fresh process per side: CUDA starts in all of them at once, warm-up one after the other."""
        processes = [Process(side, stack.enter_context(self._parent.fork())) for side in sides]
        for process in processes:
            folder, cache = str(process.runner.folder), str(process.side.cache)
            process.runner.order("enter", folder=folder, cache=cache, gpu=None)
            process.runner.order("load", load=process.side.load(self._oracle.init_inputs))
            process.runner.order("parameters", slots=process.side.bench.parameters)
        for process in processes:
            with _about(process.side):
                for doing in ("starting", "being imported and built", "taking its parameters"):
                    process.runner.answer(WARM_SECONDS, doing)
        return processes

    def warm_up(self, process: Process) -> None:
        """Compile, autotune, and find how many orders take about `_CONTEST_MS`."""
        self._fill([process.side], with_reference=False)
        with _about(process.side):
            self._ask(process, WARM_SECONDS)
            typical = plain.median(self._ask(process, CALL_SECONDS))
        sets = len(process.side.bench.inputs)
        process.orders = max(3, min(20, int(_CONTEST_MS / max(typical * sets, 1e-3))))
        process.walls.clear()

    def contest(self, processes: list[Process]) -> bool:
        """Orders of one call per input set, interleaved, on inputs that are new for every order.

        The order of the processes is reversed each time. False: the card throttled.
        """
        before = read_clocks(self._card)
        for number in range(max(process.orders for process in processes)):
            turn = [process for process in processes if number < process.orders]
            ending = [process for process in turn if number == process.orders - 1]
            case = self._fill([process.side for process in turn], with_reference=bool(ending))
            for process in turn if number % 2 == 0 else turn[::-1]:
                with _about(process.side):
                    process.times += self._ask(process, CALL_SECONDS)
                    if case is not None and process in ending:
                        self._recheck(process, *case)
        after = read_clocks(self._card)
        throttled = any(clocks is not None and clocks.throttled for clocks in (before, after))
        self.discarded += throttled
        return not throttled

    def _fill(self, sides: list[Side], with_reference: bool) -> tuple[int, Case] | None:
        """Fresh secret inputs in every set of every side; the reference for one set chosen at random."""
        sets = len(sides[0].bench.inputs)
        chosen = secrets.randbelow(sets) if with_reference else None
        kept: Case | None = None
        self._handed: dict[int, list[list[Any]]] = {id(side): [] for side in sides}
        for which in range(sets):
            case = self._oracle.case("nominal") if which == chosen else None
            values = case.inputs if case else self._oracle.draw_inputs("nominal")
            kept = case or kept
            for side in sides:
                self._handed[id(side)].append(side.bench.write_inputs(values, which))
                side.bench.poison(which)
        synchronize("cuda")
        return (chosen, kept) if chosen is not None and kept is not None else None

    def _ask(self, process: Process, seconds: float) -> list[float]:
        """Event times in ms of one call on each input set."""
        bench = process.side.bench
        began = time.monotonic()
        answer = process.runner.ask(
            "time",
            seconds,
            f"being timed ({process.side.name})",
            sets=self._handed[id(process.side)],
            outputs=bench.outputs,
            flush_bytes=self._flush_bytes,
        )
        process.walls.append((time.monotonic() - began) * 1000 / len(bench.inputs))
        return _times(answer, len(bench.inputs))

    def _recheck(self, process: Process, which: int, case: Case) -> None:
        result = judge(case, process.side.bench.read_outputs(which))
        if not result.passed:
            raise Failure(Status.INCORRECT, f"{process.side.name}'s output of a timed call was wrong")


def check_walls(candidate: Process, baseline: Process) -> None:
    """A gain that the runner's events claim must show, at least by half, on the judge's own clock."""
    claimed = baseline.median - candidate.median
    seen = baseline.wall - candidate.wall
    if claimed > 2 * _WALL_SLACK_MS and seen < claimed / 2 - _WALL_SLACK_MS:
        raise Failure(
            Status.REJECTED,
            f"its events claim {claimed:.2f} ms a call less than the baseline where the judge's clock saw {seen:.2f}",
        )


@contextmanager
def _about(side: Side) -> Iterator[None]:
    """A failure within says which side it is about."""
    try:
        yield
    except Failure as failure:
        failure.about = side.name
        raise


def _times(answer: dict[str, Any], calls: int) -> list[float]:
    raw = answer.get("ms")
    if not isinstance(raw, list) or len(raw) != calls or not all(_plausible(value) for value in raw):
        raise Failure(Status.REJECTED, "the runner reported times that are no times")
    return [float(value) for value in raw]


def _plausible(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value < _LONGEST_MS


def against(
    watch: Stopwatch, candidate: Side, baseline: Side, threshold: float, tell: Callable[[str], None]
) -> Timing:
    """Pairs of fresh processes until the answer is clear; raises `Failure` or `BaselineFailed`."""
    try:
        return pairwise(
            watch, candidate, baseline, lambda found: next_pair(found, threshold) is Next.MORE, tell
        )
    except Failure as failure:
        if failure.about == baseline.name:
            raise BaselineFailed(failure.reason) from None
        raise


def pairwise(
    watch: Stopwatch,
    candidate: Side,
    baseline: Side,
    more: Callable[[list[float]], bool],
    tell: Callable[[str], None],
) -> Timing:
    """Pairs of fresh processes for as long as ``more`` asks for them, given the log-ratios so far."""
    pairs: list[tuple[float, float]] = []
    while more(log_ratios(pairs)) and watch.discarded <= _MAX_DISCARDED:
        with ExitStack() as stack:
            processes = watch.start([candidate, baseline] * BATCH, stack)
            couples = [processes[i : i + 2] for i in range(0, len(processes), 2)]
            for couple in couples:
                if not more(log_ratios(pairs)):
                    break
                tell(f"timing, pair {len(pairs) + 1}")
                for process in couple:
                    watch.warm_up(process)
                if watch.contest(couple if len(pairs) % 2 == 0 else couple[::-1]):
                    check_walls(*couple)
                    pairs.append((couple[0].median, couple[1].median))
    if not pairs:
        raise Failure(Status.TIMEOUT, "the card throttled during every pair, so nothing could be timed")
    return summarise(pairs, baseline.name, watch.discarded)


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
