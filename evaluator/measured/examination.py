"""From one candidate's source to what is known of it on a card: gate, correctness, trace, timing, profile."""

from __future__ import annotations

import math
import statistics
import time
from contextlib import AbstractContextManager, ExitStack

import torch

from ..calling import Caller
from ..correctness import Check, check
from ..defences import Defence, on
from ..evaluation import KernelProfile, Status, Timing
from ..evidence_rule import EVIDENCE_SHARE, too_little_triton
from ..ncu import ProfiledLaunch
from ..phases import phase, sha256_of
from ..protocol import Job, Progress
from ..reference.oracle import judge
from ..runners import Failure, Runner
from ..source import check_source, triton_functions
from ..statistics import Next, log_ratios, next_pair
from . import agreement, kernels, timing
from .contest import BaselineFailed, Contest, against, alone, dismiss
from .profile import Profiler, ProfileUnavailable
from .sides import Side
from .station import Station
from .timing import Process

_SUSPICIOUS_SPEEDUP = 10.0
_TRACES = 3
_CHECK_SECONDS = 120.0
"""For all calls that are checked, after the first one, which may compile."""


class Examination:
    """One candidate's way through the evaluator; what it found stays here, also when it ends early."""

    def __init__(self, station: Station, job: Job, tell: Progress) -> None:
        self._station = station
        self._oracle = station.oracle
        self._job = job
        self._tell = tell
        self._own = triton_functions(job.source)
        self._trace: kernels.Trace | None = None
        self._profiled: list[ProfiledLaunch] = []
        self._flags: set[str] = set()
        self.check = Check()
        self.kernels: list[KernelProfile] = []
        self.timing: Timing | None = None
        self.seconds: dict[str, float] = {}

    @property
    def warnings(self) -> list[str]:
        """What does not decide and should be known."""
        changed = ", ".join(sorted(self._flags))
        settings = [f"it changes settings of PyTorch in its process: {changed}"] if changed else []
        return [*self.check.warnings, *settings]

    def run(self) -> None:
        """Everything, cheapest first; raises `Failure` at the first thing that is wrong."""
        problem = check_source(self._job.source)
        if problem is not None:
            raise Failure(Status.INVALID_SOURCE, problem.reason)
        side = self._station.sides.of_source("candidate", self._job.source, 0)
        with ExitStack() as stack:
            profiler = stack.enter_context(_profiler(side)) if self._job.profile else None
            with self._phase("compile"):
                self._gate(side)
            runner, tracer = self._begin(side, stack)
            with self._phase("correctness"):
                # Fresh processes for the first pairs start while the answer is being checked.
                contest = self._contest(side)
                contest.begin(stack)
                caller = Caller(side.bench, runner, "cuda", time.monotonic() + _CHECK_SECONDS)
                check(
                    self._oracle,
                    caller,
                    self._oracle.families(),
                    seconds=timing.CALL_SECONDS,
                    into=self.check,
                )
                dismiss(runner)
            with self._phase("start"):
                contest.warm_up()
            with self._phase("trace"):
                self._look_at_the_work(side, tracer)
                dismiss(tracer)
            with self._phase("timing"):
                self._time(contest)
            if self.timing is not None:
                self._profile(profiler)

    def _phase(self, name: str) -> AbstractContextManager[None]:
        return phase(name, self.seconds, self._tell)

    def _gate(self, side: Side) -> None:
        """When the target is another card, the kernel must also compile and fit there."""
        station, cell = self._station, side.cell
        if station.target.name == station.device.name:
            return
        from ..offline.errands import record_launches

        missed = f"not checked against the {station.target.title}"
        try:
            recording = record_launches(cell.parent, cell.source, self._oracle, station.target, cell.cache)
        except Failure as failure:  # the recorder's trouble is not the kernel's
            self.check.warnings.append(f"{missed}: {failure.reason}")
            return
        if recording.status in (Status.RESOURCE_LIMIT, Status.COMPILE_ERROR):
            raise Failure(recording.status, f"for the {station.target.title}: {recording.reason}")
        if recording.status is not Status.PASSED:
            self.check.warnings.append(f"{missed}: {recording.reason}")

    def _begin(self, side: Side, stack: ExitStack) -> tuple[Runner, Runner]:
        """A runner whose answers are checked, and one to be traced, in which CUPTI takes seconds to start.

        The oracle's parameters are drawn anew once the candidate is imported.
        """
        with self._phase("start"):
            runner = side.begin(self._oracle.init_inputs, stack)
            tracer = side.begin(self._oracle.init_inputs, stack, "prepare_trace")
            runner.answer(timing.WARM_SECONDS, "starting CUDA")
        with self._phase("compile"):
            runner.answer(timing.WARM_SECONDS, "being imported and built")
            self._oracle.redraw_parameters()
            side.bench.write_parameters(self._oracle.parameters)
            torch.cuda.synchronize()
            for process in (tracer, runner):
                process.order("parameters", slots=side.bench.parameters)
            runner.answer(timing.CALL_SECONDS, "taking its parameters")
            values = self._oracle.draw_inputs("nominal")
            doing = "compiling or computing for the first time"
            Caller(side.bench, runner, "cuda").call(values, timing.WARM_SECONDS, doing)
        return runner, tracer

    def _look_at_the_work(self, side: Side, tracer: Runner) -> None:
        """A traced call, as warm as the timed ones."""
        for doing in (
            "starting CUDA", "starting the trace", "being imported and built", "taking its parameters"
        ):  # fmt: skip
            tracer.answer(timing.WARM_SECONDS, doing)
        caller = Caller(side.bench, tracer, "cuda")
        for which in range(side.bench.sets):  # every address once
            caller.call(self._oracle.draw_inputs("nominal"), timing.WARM_SECONDS, "warming up", which)
        # Of several the shortest, since one call alone may be slow for reasons of the trace's own.
        self._trace = min((self._traced(side, caller) for _ in range(_TRACES)), key=_busy)
        self.kernels = kernels.from_trace(self._trace, self._own)
        self._own_kernels(self._trace.own_share(self._own))

    def _traced(self, side: Side, caller: Caller) -> kernels.Trace:
        """One call, whose answer has to be right as well."""
        case = self._oracle.case("nominal")
        assert case is not None
        which, answer = caller.trace(case.inputs, timing.CALL_SECONDS)
        if not judge(case, side.bench.read_outputs(which)).passed:
            raise Failure(Status.INCORRECT, "the output of the traced call was wrong", Defence.RECHECK)
        return kernels.parse_trace(answer)

    def _own_kernels(self, share: float | None) -> None:
        """A candidate whose own Triton kernels did not do the work is rejected."""
        if share is None and not self._station.can_trace():
            self.check.warnings.append(
                "nothing can be traced here, so it is unknown which kernels did the work"
            )
        elif (share or 0.0) < EVIDENCE_SHARE and on(Defence.OWN_KERNELS):
            nothing = "forward launched none of the source's own Triton kernels"
            reason = too_little_triton(share or 0.0, "GPU time") if self.kernels else nothing
            raise Failure(Status.REJECTED, reason, Defence.OWN_KERNELS)

    def _contest(self, side: Side) -> Contest:
        baseline = self._station.sides.baseline(self._job, 1)
        watch = self._station.watch()
        watch.tuned.add(side.name)  # in its very first call
        return Contest(watch, side, baseline, self._tell, self._same_work)

    def _same_work(self, process: Process) -> None:
        self._flags |= {flag for called in process.called for flag in called.flags}
        if self._trace is not None and self._trace.ran:
            agreement.same_work(process, self._trace.busy_ms, self._trace.launched)

    def _time(self, contest: Contest) -> None:
        try:
            timed = self._timed(contest)
            station = self._station
            agreement.clock(contest.claims)
            agreement.floor(timed, station.floors().device, station.device.title)
            if self._may_become_a_parent(timed) and on(Defence.BASELINE_ALONE):
                self._baseline_alone(contest, timed)
        except timing.NotTimed as problem:
            self.check.warnings.append(f"not timed: {problem}")
            return
        timed.baseline = "eager" if self._job.against is None else sha256_of(self._job.against)
        self.timing = timed

    def _timed(self, contest: Contest) -> Timing:
        """A baseline that fails beside the candidate twice, and not alone, was made to fail."""
        try:
            return against(contest, self._job.threshold)
        except BaselineFailed:
            alone(contest.watch, contest.baseline)
        contest.broken = None
        try:
            return against(contest, self._job.threshold)
        except BaselineFailed as problem:
            reason = f"{problem} while the candidate's process lives, and runs alone"
            raise Failure(Status.REJECTED, reason, Defence.BASELINE_ALONE) from None

    def _may_become_a_parent(self, timed: Timing) -> bool:
        return next_pair(log_ratios(timed.samples), self._job.threshold) is Next.FASTER

    def _baseline_alone(self, contest: Contest, timed: Timing) -> None:
        """The candidate's processes are dead by now; a first doubt is looked at twice more."""
        ms = alone(contest.watch, contest.baseline)
        if agreement.slowed(timed.baseline_ms, ms):
            again = [alone(contest.watch, contest.baseline) for _ in range(2)]
            ms = statistics.median([ms, *again])
        agreement.baseline_alone(timed.baseline_ms, ms)

    def _profile(self, profiler: Profiler | None) -> None:
        """ncu, for a kernel that may become a parent; a huge gain without it is named."""
        timed = self.timing
        assert timed is not None
        if profiler is not None and (self._job.against is None or self._may_become_a_parent(timed)):
            with self._phase("profile"):
                self._ask_ncu(profiler)
        total = kernels.total_ms(self._profiled)
        agreement.profiler(timed, total, kernels.own_share(self._profiled, self._own))
        if total is None and self._job.against is not None and timed.speedup > _SUSPICIOUS_SPEEDUP:
            self.check.warnings.append(
                f"{timed.speedup:.1f}× over its parent without ncu's durations as a witness"
            )

    def _ask_ncu(self, profiler: Profiler) -> None:
        try:
            self._profiled = profiler.profile(self._oracle.init_inputs, self._oracle.draw_inputs("nominal"))
            self.kernels = kernels.with_profile(self.kernels, self._profiled)
        except ProfileUnavailable as problem:
            self.check.warnings.append(f"profile unavailable: {problem}")
            self.kernels = kernels.without_profile(self.kernels, str(problem))


def _busy(trace: kernels.Trace) -> float:
    return math.inf if trace.busy_ms is None else trace.busy_ms


def _profiler(side: Side) -> Profiler:
    return Profiler(side.cell.places, side.cell.source, side.cell.cache)
