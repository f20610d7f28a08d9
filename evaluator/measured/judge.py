"""The verdict on a card: gate, correctness, evidence, timing, profile. Runs in the judge, never in a runner."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from kernelwright.reference_kernels import Task

from .. import health, sandbox
from ..calling import Caller
from ..cells import Cells
from ..correctness import Check, check
from ..defences import Defence, on
from ..devices import Card
from ..evaluation import Evaluation, Floor, KernelProfile, Status, Timing
from ..evidence_rule import EVIDENCE_SHARE, too_little_triton
from ..facts import environment, floors
from ..gpus import Gpu
from ..ncu import ProfiledLaunch, find_ncu
from ..oracle import Oracle, judge
from ..phases import phase, sha256_of
from ..protocol import Contender, GpuUnhealthy, Job, Progress, Standing
from ..runners import Failure, Runner
from ..source import check_source, triton_functions
from ..statistics import MIN_PAIRS, Next, log_ratios, next_pair, noise_floor
from . import agreement, kernels, timing
from .head_to_head import head_to_head
from .profile import Profiler, ProfileUnavailable
from .sides import Side, Sides, flush_bytes
from .timing import Contest, Process, Stopwatch

_SUSPICIOUS_SPEEDUP = 10.0


class MeasuredJudge:
    """Judges kernels for one task on one card."""

    kind: Literal["cuda"] = "cuda"

    def __init__(self, task: Task, target: Gpu, device: Gpu, card: Card, folder: Path) -> None:
        self.task = task
        self.target = target
        self.device = device
        self.card = card
        self.device_name = card.name
        self.folder = folder
        self.cells = Cells(folder / "cells")
        self.oracle = Oracle(task, "cuda")
        l2_bytes = torch.cuda.get_device_properties(0).L2_cache_size
        self.sides = Sides(self.oracle, self.cells, flush_bytes(l2_bytes, device.memory_bandwidth_gb_s))

    # -- what the protocol asks -------------------------------------------------------------------------

    def evaluate(self, job: Job, tell: Progress) -> Evaluation:
        """The whole verdict on one kernel."""
        seconds: dict[str, float] = {}
        found = _Found()
        try:
            self._examine(job, tell, seconds, found)
        except Failure as failure:
            self._after_a_failure(job, failure)
            found.timing = None
            # On a card nothing stays unchecked: a candidate that says so of itself has failed.
            status = Status.RUNTIME_ERROR if failure.status is Status.UNCHECKED else failure.status
            return self._verdict(job, found, seconds, status, failure)
        except torch.OutOfMemoryError as problem:
            torch.cuda.empty_cache()
            full = Failure(Status.OUT_OF_MEMORY, str(problem).splitlines()[0])
            return self._verdict(job, found, seconds, full.status, full)
        return self._verdict(job, found, seconds, Status.PASSED)

    def noise_floor(self, source: str, tell: Progress) -> float | None:
        """Two copies of one kernel through the ordinary procedure, `MIN_PAIRS` pairs of them."""
        one, two = self.sides.of_source("one", source, 0), self.sides.of_source("two", source, 1)
        try:
            found = Contest(self._watch(), one, two, tell).run(lambda ratios: len(ratios) < MIN_PAIRS)
        except Failure as failure:
            tell(f"no noise floor: {failure.reason}")
            return None
        return noise_floor(log_ratios(found.samples))

    def compare(self, contenders: list[Contender], tell: Progress) -> list[Standing]:
        """All contenders head to head; speedups over the first."""
        sides = [self.sides.of_contender(contender, number) for number, contender in enumerate(contenders)]
        return head_to_head(sides, self._watch, tell)

    def close(self) -> None:
        """End all processes, give the memory back."""
        self.cells.close()
        self.sides.close()

    # -- one candidate ----------------------------------------------------------------------------------

    def _examine(self, job: Job, tell: Progress, seconds: dict[str, float], found: _Found) -> None:
        problem = check_source(job.source)
        if problem is not None:
            raise Failure(Status.INVALID_SOURCE, problem.reason)
        side = self.sides.of_source("candidate", job.source, 0)
        with ExitStack() as stack:
            profiler = stack.enter_context(_profiler(side)) if job.profile else None
            with phase("compile", seconds, tell):
                self._gate(job, side, found)
            runner, tracer = self._begin(side, stack, tell, seconds)
            with phase("correctness", seconds, tell):
                # Fresh processes for the first pairs start while the answer is being checked.
                contest = self._contest(job, side, found, tell)
                contest.begin(stack)
                families = self.oracle.families()
                caller = Caller(side.bench, runner, "cuda")
                check(self.oracle, caller, families, seconds=timing.CALL_SECONDS, into=found.check)
                runner.kill()
            with phase("start", seconds, tell):
                contest.warm_up()
            with phase("trace", seconds, tell):
                self._trace(side, tracer, job, found)
                tracer.kill()
            with phase("timing", seconds, tell):
                found.timing = self._time(contest, job, found)
            if found.timing is not None:
                self._witnesses(job, found, profiler, seconds, tell)

    def _begin(
        self, side: Side, stack: ExitStack, tell: Progress, seconds: dict[str, float]
    ) -> tuple[Runner, Runner]:
        """A runner whose answers are checked, and one to be traced, in which CUPTI takes seconds to start.

        The oracle's parameters are drawn anew once the candidate is imported.
        """
        with phase("start", seconds, tell):
            runner = side.begin(self.oracle.init_inputs, stack)
            tracer = side.begin(self.oracle.init_inputs, stack, "prepare_trace")
            runner.answer(timing.WARM_SECONDS, "starting CUDA")
        with phase("compile", seconds, tell):
            runner.answer(timing.WARM_SECONDS, "being imported and built")
            self.oracle.redraw_parameters()
            side.bench.write_parameters(self.oracle.parameters)
            torch.cuda.synchronize()
            for process in (tracer, runner):
                process.order("parameters", slots=side.bench.parameters)
            runner.answer(timing.CALL_SECONDS, "taking its parameters")
            Caller(side.bench, runner, "cuda").call(
                self.oracle.draw_inputs("nominal"),
                timing.WARM_SECONDS,
                "compiling or computing for the first time",
            )
        return runner, tracer

    def _trace(self, side: Side, tracer: Runner, job: Job, found: _Found) -> None:
        """Which kernels did the work; a candidate whose own Triton kernels did not is rejected."""
        for doing in (
            "starting CUDA",
            "starting the trace",
            "being imported and built",
            "taking its parameters",
        ):
            tracer.answer(timing.WARM_SECONDS, doing)
        caller = Caller(side.bench, tracer, "cuda")
        for which in range(side.bench.sets):  # every address once, as in the processes that are timed
            caller.call(self.oracle.draw_inputs("nominal"), timing.WARM_SECONDS, "warming up", which)
        case = self.oracle.case("nominal")
        assert case is not None
        which, answer = caller.trace(case.inputs, timing.CALL_SECONDS)
        if not judge(case, side.bench.read_outputs(which)).passed:
            raise Failure(Status.INCORRECT, "the output of the traced call was wrong", Defence.RECHECK)
        own = triton_functions(job.source)
        found.trace = kernels.parse_trace(answer)
        found.kernels = kernels.from_trace(found.trace, own)
        self._own_kernels(found, own)

    def _own_kernels(self, found: _Found, own: list[str]) -> None:
        assert found.trace is not None
        share = found.trace.own_share(own)
        if share is None:
            found.check.warnings.append(
                "nothing could be traced, so it is unknown which kernels did the work"
            )
        elif share < EVIDENCE_SHARE and on(Defence.OWN_KERNELS):
            reason = (
                too_little_triton(share, "GPU time")
                if found.kernels
                else "forward launched none of the source's own Triton kernels"
            )
            raise Failure(Status.REJECTED, reason, Defence.OWN_KERNELS)

    def _tracing_works(self) -> bool:
        """Asked of a process without a candidate, since a candidate may have stopped its own trace."""
        with self.cells.spare().parent.fork() as runner:
            runner.order("enter", folder=str(runner.folder), cache=str(runner.folder), gpu=None)
            runner.answer(timing.WARM_SECONDS, "starting CUDA")
            return runner.ask("prepare_trace", timing.WARM_SECONDS, "starting the trace")["works"] is True

    def _contest(self, job: Job, side: Side, found: _Found, tell: Progress) -> Contest:
        def agree(candidate: Process) -> None:
            if found.trace is not None and found.trace.ran:
                agreement.same_work(candidate, found.trace.busy_ms, found.trace.launched)
            found.note_flags(candidate)

        return Contest(self._watch(), side, self.sides.baseline(job, 1), tell, agree)

    def _time(self, contest: Contest, job: Job, found: _Found) -> Timing | None:
        try:
            timed = timing.against(contest, job.threshold)
        except timing.BaselineFailed as problem:
            found.check.warnings.append(f"not timed: the baseline failed ({problem})")
            self._baseline_survives(contest, problem)
            return None
        agreement.clock(contest.claims)
        agreement.floor(timed, self.floors().device, self.device.title)
        if _surely_faster(timed, job.threshold) and on(Defence.BASELINE_ALONE):
            self._baseline_alone(contest, timed)
        timed.baseline = _baseline_name(job)
        return timed

    def _baseline_survives(self, contest: Contest, problem: timing.BaselineFailed) -> None:
        """A baseline that fails beside the candidate and not alone was made to fail."""
        try:
            timing.alone(contest.watch, contest.baseline, 1)
        except Failure:
            return
        reason = f"the baseline runs alone and fails while the candidate's process lives ({problem})"
        raise Failure(Status.REJECTED, reason, Defence.BASELINE_ALONE)

    def _baseline_alone(self, contest: Contest, timed: Timing) -> None:
        """The candidate's processes are dead by now; a first doubt is looked at twice more."""
        ms = timing.alone(contest.watch, contest.baseline, 1)
        if agreement.slowed(timed.baseline_ms, ms):
            ms = statistics.median(
                [ms, *(timing.alone(contest.watch, contest.baseline, 1) for _ in range(2))]
            )
        agreement.baseline_alone(timed.baseline_ms, ms)

    def _witnesses(
        self, job: Job, found: _Found, profiler: Profiler | None, seconds: dict[str, float], tell: Progress
    ) -> None:
        """ncu, for a kernel that may become a parent; a huge gain without it is named."""
        assert found.timing is not None
        if profiler is not None and (job.against is None or _surely_faster(found.timing, job.threshold)):
            with phase("profile", seconds, tell):
                self._profile(profiler, found)
        total = kernels.total_ms(found.profiled)
        agreement.profiler(
            found.timing, total, kernels.own_share(found.profiled, triton_functions(job.source))
        )
        if total is None and job.against is not None and found.timing.speedup > _SUSPICIOUS_SPEEDUP:
            found.check.warnings.append(
                f"{found.timing.speedup:.1f}× over its parent without ncu's durations as a witness"
            )

    def _profile(self, profiler: Profiler, found: _Found) -> None:
        try:
            rows = profiler.profile(self.oracle.init_inputs, self.oracle.draw_inputs("nominal"))
            found.profiled = rows
            found.kernels = kernels.with_profile(found.kernels, rows)
        except ProfileUnavailable as problem:
            found.check.warnings.append(f"profile unavailable: {problem}")
            found.kernels = kernels.without_profile(found.kernels, str(problem))

    # -- pieces -----------------------------------------------------------------------------------------

    def _gate(self, job: Job, side: Side, found: _Found) -> None:
        """When the target is another card, the kernel must also compile and fit there."""
        if self.target.name == self.device.name:
            return
        from ..offline.judge import record_launches

        try:
            cell = side.cell
            recording = record_launches(cell.parent, cell.source, self.oracle, self.target, cell.cache)
        except Failure as failure:  # the recorder's trouble is not the kernel's
            found.check.warnings.append(f"not checked against the {self.target.title}: {failure.reason}")
            return
        if recording.status in (Status.RESOURCE_LIMIT, Status.COMPILE_ERROR):
            raise Failure(recording.status, f"for the {self.target.title}: {recording.reason}")
        if recording.status is not Status.PASSED:
            found.check.warnings.append(f"not checked against the {self.target.title}: {recording.reason}")

    def floors(self) -> Floor:
        """The task's floors on the target and on this card."""
        return floors(self.oracle.facts, self.target, self.device, self.task.dtype)

    def _watch(self) -> Stopwatch:
        return Stopwatch(self.oracle, self.card.index)

    def _after_a_failure(self, job: Job, failure: Failure) -> None:
        """A hang or a crash may have left the card unusable: ask a fresh process elsewhere."""
        if failure.status not in (Status.TIMEOUT, Status.RUNTIME_ERROR, Status.OUT_OF_MEMORY):
            return
        problem = health.check(self.cells.spare().parent)
        if problem is not None:
            raise GpuUnhealthy(
                f"the {self.card.name} does not answer any more ({problem}): check it with nvidia-smi, then resume"
            )

    def _verdict(
        self,
        job: Job,
        found: _Found,
        seconds: dict[str, float],
        status: Status,
        failure: Failure | None = None,
    ) -> Evaluation:
        tried = found.check.correctness.families
        confined = sandbox.level()
        warnings = [*found.check.warnings, *found.flags]
        if confined == "process":
            warnings.append(sandbox.PROCESS_WARNING)
        return Evaluation(
            task=self.task.name,
            kernel=sha256_of(job.source),
            target=job.target,
            device=self.card.name,
            provenance="measured",
            sandbox=confined,
            status=status,
            reason=failure.reason if failure else None,
            refused_by=failure.defence if failure else None,
            correctness=found.check.correctness if tried else None,
            timing=found.timing,
            floor_ms=self.floors(),
            kernels=found.kernels,
            warnings=warnings,
            seconds={name: round(value, 3) for name, value in seconds.items()},
            environment=self.environment(),
        )

    @cached_property
    def _versions(self) -> dict[str, str]:
        ncu = find_ncu().version or "none"
        return {**environment(), "driver": self.card.driver, "gpu": self.card.name, "ncu": ncu}

    def environment(self) -> dict[str, str]:
        """Versions of everything that the figures depend on."""
        return dict(self._versions)


class _Found:
    """What is known of a candidate so far."""

    def __init__(self) -> None:
        self.check = Check()
        self.kernels: list[KernelProfile] = []
        self.trace: kernels.Trace | None = None
        self.profiled: list[ProfiledLaunch] = []
        self.timing: Timing | None = None
        self.flags: set[str] = set()

    def note_flags(self, process: Process) -> None:
        """Settings that the candidate changed for its whole process, which is its own."""
        changed = sorted({flag for called in process.called for flag in called.flags})
        if changed:
            self.flags.add(f"it changes settings of PyTorch in its process: {', '.join(changed)}")


def _profiler(side: Side) -> Profiler:
    return Profiler(side.cell.places, side.cell.source, side.cell.cache)


def _surely_faster(measured: Timing, threshold: float) -> bool:
    """Only a kernel that may become a parent is worth a profile."""
    return next_pair(log_ratios(measured.samples), threshold) is Next.FASTER


def _baseline_name(job: Job) -> str:
    return "eager" if job.against is None else sha256_of(job.against)
