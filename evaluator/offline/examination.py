"""From one candidate's source to what is known of it without a card: correctness, launches, counts, an estimate."""

from __future__ import annotations

import time
from pathlib import Path

from kernelwright.reference_kernels import Task
from pydantic import ValidationError

from ..correctness import Check
from ..defences import Defence, on
from ..evaluation import Estimate, KernelProfile, Status
from ..evidence_rule import EVIDENCE_SHARE, too_little_triton
from ..phases import phase
from ..protocol import Job, Progress
from ..reference.oracle import Oracle
from ..runners import Failure, WarmParent
from ..source import check_source, triton_functions
from .errands import begin_recording, count, interpret
from .estimate import estimate
from .interpreting import interpreter_cannot_judge
from .leniency import check_guessed
from .recorded import Recording
from .station import Station

_ALL_SECONDS = 180.0
"""For all calls in the interpreter together."""


class Examination:
    """One candidate's way through the evaluator; what it found stays here, also when it ends early."""

    def __init__(self, station: Station, job: Job, tell: Progress) -> None:
        self._station = station
        self._job = job
        self._tell = tell
        self._own = triton_functions(job.source)
        self._found: list[str] = []
        self.check = Check()
        self.unchecked: str | None = None
        """Why nobody could say whether the candidate is right."""
        self.estimate: Estimate | None = None
        self.kernels: list[KernelProfile] = []
        self.seconds: dict[str, float] = {}

    @property
    def warnings(self) -> list[str]:
        """What does not decide and should be known."""
        return [*self._found, *self.check.warnings]

    def run(self) -> None:
        """Everything; raises `Failure` at the first thing that is wrong."""
        problem = check_source(self._job.source)
        if problem is not None:
            raise Failure(Status.INVALID_SOURCE, problem.reason)
        station = self._station
        source, cache = self._placed(station.parents.recorders)
        with station.parents.recorders.fork() as recorder:
            # Two processes at once: one compiles for the target while the other interprets.
            recorded = begin_recording(recorder, source, station.oracle, station.target, cache)
            with phase("correctness", self.seconds, self._tell):
                wrong = self._correctness()
            with phase("compile", self.seconds, self._tell):
                recording = self._followed(recorded())
        if wrong is not None:
            raise wrong
        if recording is not None:
            with phase("count", self.seconds, self._tell):
                self._estimate(recording)

    def _placed(self, parent: WarmParent) -> tuple[Path, Path]:
        """The source file and the Triton cache of this kernel, in the parent's folders."""
        return parent.places.source(self._job.source), parent.places.cache(self._job.source)

    def _correctness(self) -> Failure | None:
        """What the interpreter found wrong; None when it found nothing or could not judge."""
        station = self._station
        self.unchecked = interpreter_cannot_judge(self._job.source, station.oracle.facts.dtype)
        if self.unchecked is None and not station.small:
            self.unchecked = _no_shapes(station.task)
        if self.unchecked is not None:
            return None
        try:
            self._interpret()
        except Failure as failure:
            if failure.status is not Status.UNCHECKED:
                return failure
            self.unchecked = failure.reason
        return None

    def _interpret(self) -> None:
        """At the task's own small shapes, or leniently at guessed ones; raises `Failure`."""
        station = self._station
        until = time.monotonic() + _ALL_SECONDS

        def attempt(oracles: list[Oracle], into: Check) -> None:
            source, cache = self._placed(station.parents.interpreters)
            interpret(station.parents.interpreters, source, oracles, station.target, cache, into, until)

        if station.guessed and station.guessed.replaced:
            check_guessed(station.guessed, self._job.source, attempt, self.check)
        else:
            attempt(station.small, self.check)

    def _followed(self, recording: Recording) -> Recording | None:
        """A recording that can be counted; None when the host code could not be followed."""
        self._found += recording.warnings
        if recording.status is Status.UNCHECKED:
            self.unchecked = recording.reason
            return None
        if recording.status is not Status.PASSED:
            defence = Defence.OWN_KERNELS if recording.status is Status.REJECTED else None
            raise Failure(recording.status, recording.reason or "no reason given", defence)
        if not any(launch.kernel in self._own for launch in recording.launches) and on(Defence.OWN_KERNELS):
            reason = "forward launched none of the source's own Triton kernels"
            raise Failure(Status.REJECTED, reason, Defence.OWN_KERNELS)
        return recording

    def _estimate(self, recording: Recording) -> None:
        station = self._station
        interpreters = station.parents.interpreters
        source, cache = self._placed(interpreters)
        try:
            traffic = count(interpreters, source, station.oracle, station.target, cache, recording)
        except (Failure, ValidationError) as problem:
            self._found.append(f"no estimate: its memory accesses could not be counted ({problem})")
            return
        times = estimate(recording.launches, traffic, station.target, recording.operations)
        self._found += times.warnings
        self.estimate, self.kernels = times.total, times.kernels
        if times.total is not None and times.total.ms < station.sure_floor_ms():
            self.estimate = None
            self._found.append(
                f"no estimate: what was counted takes {times.total.ms:.4g} ms, less than the task's floor"
            )
        share = sum(kernel.time_share or 0.0 for kernel in times.kernels if kernel.name in self._own)
        if times.total is not None and share < EVIDENCE_SHARE and on(Defence.OWN_KERNELS):
            raise Failure(Status.REJECTED, too_little_triton(share, "estimated time"), Defence.OWN_KERNELS)


def _no_shapes(task: Task) -> str:
    """Why a kernel cannot be checked, and what to do."""
    small = "small shapes for Triton's interpreter"
    if task.file is None:
        return f"the task has no {small}: add them to its task.toml (docs/tasks.md)"
    return f"no {small} could be guessed from the constants of {task.file.name}: write a task folder (docs/tasks.md)"
