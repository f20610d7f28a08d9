"""The verdict without a GPU: recorded launches, the interpreter's correctness, counted bytes, an estimate."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from kernelwright.reference_kernels import Task
from pydantic import ValidationError

from .. import sandbox
from ..bench import Bench
from ..calling import Caller
from ..correctness import Check, check
from ..defences import Defence, on, switched_off
from ..evaluation import Estimate, Evaluation, Floor, KernelProfile, Status
from ..evidence_rule import EVIDENCE_SHARE, too_little_triton
from ..exchange import create_memory_arena
from ..gpus import Gpu
from ..orders import Load
from ..phases import phase, sha256_of
from ..protocol import Contender, Job, Progress, Standing
from ..reference.facts import environment, floors, surely_moved
from ..reference.oracle import Oracle, Shapes
from ..reference.shrinking import guess
from ..runners import Failure, Runner, WarmParent
from ..source import check_source, triton_functions
from .counting import Traffic
from .estimate import estimate
from .interpreting import interpreter_cannot_judge
from .leniency import check_guessed
from .recorded import Recording

_RECORD_SECONDS = 150.0
_INTERPRET_SECONDS = 90.0
_ALL_SECONDS = 180.0
"""For all calls in the interpreter together."""
_COUNT_SECONDS = 60.0


def record_launches(parent: WarmParent, source: Path, oracle: Shapes, gpu: Gpu, cache: Path) -> Recording:
    """The candidate's launches for that card, compiled but not run; raises `Failure` when its process fails."""
    with parent.fork() as runner:
        return _recording(_order_record(runner, source, oracle, gpu, cache))


def _order_record(
    runner: Runner, source: Path, oracle: Shapes, gpu: Gpu, cache: Path
) -> Callable[[], dict[str, Any]]:
    """Order a recording; the returned function waits for it."""
    runner.order("enter", folder=str(runner.folder), cache=str(cache), gpu=None, cuda=False)
    runner.order("record", **_call(oracle, source, gpu))

    def wait() -> dict[str, Any]:
        runner.answer(_RECORD_SECONDS, "starting")
        return runner.answer(_RECORD_SECONDS, f"compiling for the {gpu.title}")

    return wait


def _call(oracle: Shapes, source: Path, gpu: Gpu) -> dict[str, Any]:
    facts = oracle.facts
    return {
        "source": str(source),
        "init_inputs": oracle.init_inputs,
        "inputs": oracle.arguments,
        "parameters": facts.parameters,
        "gpu": gpu,
    }


def _recording(wait: Callable[[], dict[str, Any]]) -> Recording:
    try:
        return Recording.model_validate(wait().get("recording"))
    except ValidationError:
        raise Failure(Status.RUNTIME_ERROR, "the recorder's answer made no sense") from None


def _no_shapes(task: Task) -> str:
    """Why a kernel cannot be checked, and what to do."""
    small = "small shapes for Triton's interpreter"
    if task.file is None:
        return f"the task has no {small}: add them to its task.toml (docs/tasks.md)"
    return f"no {small} could be guessed from the constants of {task.file.name}: write a task folder (docs/tasks.md)"


class OfflineJudge:
    """Judges kernels for one task and one target without a card."""

    kind: Literal["offline"] = "offline"
    device_name = "offline"

    def __init__(self, task: Task, target: Gpu, folder: Path) -> None:
        self.task = task
        self.target = target
        self.folder = folder
        self.recorders = WarmParent(folder / "recorders", kind="recording")
        self.interpreters = WarmParent(folder / "interpreters", kind="interpreting")
        self.recorders.start()
        self.interpreters.start()
        self.oracle = Shapes(task)
        self.guessed = guess(task) if task.file else None
        own = [Oracle(task, "cpu", constants) for constants in task.small]
        self.small = self.guessed.small if self.guessed else own

    def evaluate(self, job: Job, tell: Progress) -> Evaluation:
        """The whole verdict on one kernel."""
        found = _Found()
        seconds: dict[str, float] = {}
        for parent in (self.recorders, self.interpreters):
            parent.clean()  # kernels share them, one after the other
        try:
            self._examine(job, tell, seconds, found)
            status, reason = (Status.UNCHECKED, found.unchecked) if found.unchecked else (Status.PASSED, None)
            return self._verdict(job, found, seconds, status, reason)
        except Failure as failure:
            return self._verdict(job, found, seconds, failure.status, failure.reason, failure.defence)

    def noise_floor(self, source: str, tell: Progress) -> None:
        """Nothing is timed here."""

    def compare(self, contenders: list[Contender], tell: Progress) -> list[Standing]:
        """Nothing is timed here."""
        return []

    def environment(self) -> dict[str, str]:
        """Versions that the figures depend on."""
        return environment()

    def floors(self) -> Floor:
        """The task's floor on the target."""
        return floors(self.oracle.facts, self.target, None)

    def close(self) -> None:
        """End all processes."""
        self.recorders.close()
        self.interpreters.close()

    def _examine(self, job: Job, tell: Progress, seconds: dict[str, float], found: _Found) -> None:
        problem = check_source(job.source)
        if problem is not None:
            raise Failure(Status.INVALID_SOURCE, problem.reason)
        source, cache = self._place(self.recorders, job)
        with self.recorders.fork() as recorder:
            # Two processes at once: one compiles for the target while the other interprets.
            wait = _order_record(recorder, source, self.oracle, self.target, cache)
            with phase("correctness", seconds, tell):
                wrong = self._correctness(job, found)
            with phase("compile", seconds, tell):
                recording = self._recorded(job, _recording(wait), found)
        if wrong is not None:
            raise wrong
        if recording is not None:
            with phase("count", seconds, tell):
                self._estimate(job, recording, found)

    def _recorded(self, job: Job, recording: Recording, found: _Found) -> Recording | None:
        """A recording that can be counted; None when the host code could not be followed."""
        found.warnings += recording.warnings
        if recording.status is Status.UNCHECKED:
            found.unchecked = recording.reason
            return None
        if recording.status is not Status.PASSED:
            defence = Defence.OWN_KERNELS if recording.status is Status.REJECTED else None
            raise Failure(recording.status, recording.reason or "no reason given", defence)
        own = triton_functions(job.source)
        if not any(launch.kernel in own for launch in recording.launches) and on(Defence.OWN_KERNELS):
            raise Failure(
                Status.REJECTED,
                "forward launched none of the source's own Triton kernels",
                Defence.OWN_KERNELS,
            )
        return recording

    def _correctness(self, job: Job, found: _Found) -> Failure | None:
        """What the interpreter found wrong; None when it found nothing or could not judge."""
        found.unchecked = interpreter_cannot_judge(job.source, self.oracle.facts.dtype)
        if found.unchecked is None and not self.small:
            found.unchecked = _no_shapes(self.task)
        if found.unchecked is not None:
            return None
        try:
            self._check(job, found)
        except Failure as failure:
            if failure.status is not Status.UNCHECKED:
                return failure
            found.unchecked = failure.reason
        return None

    def _check(self, job: Job, found: _Found) -> None:
        """At the task's own small shapes, or leniently at guessed ones; raises `Failure`."""
        until = time.monotonic() + _ALL_SECONDS

        def attempt(oracles: list[Oracle], check: Check) -> None:
            self._interpret_all(job, oracles, check, until)

        if self.guessed and self.guessed.replaced:
            check_guessed(self.guessed, job.source, attempt, found.check)
        else:
            attempt(self.small, found.check)

    def _interpret_all(self, job: Job, oracles: list[Oracle], into: Check, until: float) -> None:
        source, cache = self._place(self.interpreters, job)
        with self.interpreters.fork() as runner:
            runner.ask(
                "enter",
                60.0,
                "starting",
                folder=str(runner.folder),
                cache=str(cache),
                gpu=self.target,
                without=[defence.value for defence in switched_off()],
            )
            for oracle in oracles:
                families = oracle.families() if oracle is oracles[0] else ["nominal"]
                self._interpret(runner, source, oracle, families, into, until)

    def _interpret(
        self, runner: Runner, source: Path, oracle: Oracle, families: list[str], into: Check, until: float
    ) -> None:
        with closing(Bench(oracle.facts, create_memory_arena)) as bench:
            load = Load(str(source), "ModelNew", oracle.init_inputs, bench.arena.address)
            runner.ask("load", _INTERPRET_SECONDS, "being imported", bench.arena.descriptors, load=load)
            oracle.redraw_parameters()
            bench.write_parameters(oracle.parameters)
            runner.ask("parameters", _INTERPRET_SECONDS, "taking its parameters", slots=bench.parameters)
            caller = Caller(bench, runner, "cpu", until)
            check(oracle, caller, families, seconds=_INTERPRET_SECONDS, into=into)

    def _estimate(self, job: Job, recording: Recording, found: _Found) -> None:
        source, cache = self._place(self.interpreters, job)
        try:
            with self.interpreters.fork() as runner:
                runner.ask(
                    "enter",
                    60.0,
                    "starting",
                    folder=str(runner.folder),
                    cache=str(cache),
                    gpu=None,
                    cuda=False,
                )
                answer = runner.ask(
                    "count",
                    _COUNT_SECONDS,
                    "being counted",
                    launches=recording.launches,
                    **_call(self.oracle, source, self.target),
                )
            traffic = [Traffic.model_validate(raw) for raw in answer.get("traffic", [])]
            if len(traffic) != len(recording.launches):
                raise Failure(Status.RUNTIME_ERROR, "the count does not match the launches")
        except (Failure, ValidationError) as problem:
            found.warnings.append(f"no estimate: its memory accesses could not be counted ({problem})")
            return
        times = estimate(recording.launches, traffic, self.target, recording.operations)
        found.warnings += times.warnings
        found.estimate, found.kernels = times.total, times.kernels
        least = floors(surely_moved(self.task, self.oracle.facts), self.target, None).target
        if times.total is not None and times.total.ms < least:
            found.estimate = None
            found.warnings.append(
                f"no estimate: what was counted takes {times.total.ms:.4g} ms, less than the task's floor"
            )
        own = set(triton_functions(job.source))
        share = sum(kernel.time_share or 0.0 for kernel in times.kernels if kernel.name in own)
        if times.total is not None and share < EVIDENCE_SHARE and on(Defence.OWN_KERNELS):
            raise Failure(Status.REJECTED, too_little_triton(share, "estimated time"), Defence.OWN_KERNELS)

    def _place(self, parent: WarmParent, job: Job) -> tuple[Path, Path]:
        """The source file and the Triton cache of one kernel, in the parent's folders."""
        return parent.places.source(job.source), parent.places.cache(job.source)

    def _verdict(
        self,
        job: Job,
        found: _Found,
        seconds: dict[str, float],
        status: Status,
        reason: str | None,
        defence: Defence | None = None,
    ) -> Evaluation:
        good = status in (Status.PASSED, Status.UNCHECKED)
        tried = found.check.correctness.families
        confined = sandbox.level()
        warnings = [*found.warnings, *found.check.warnings]
        if confined == "process":
            warnings.append(sandbox.PROCESS_WARNING)
        return Evaluation(
            task=self.task.name,
            kernel=sha256_of(job.source),
            target=job.target,
            device="offline",
            provenance="estimated",
            sandbox=confined,
            status=status,
            reason=reason,
            refused_by=defence,
            correctness=found.check.correctness if tried else None,
            estimate=found.estimate if good else None,
            floor_ms=self.floors(),
            kernels=found.kernels,
            warnings=warnings,
            seconds={name: round(value, 3) for name, value in seconds.items()},
            environment=self.environment(),
        )


class _Found:
    """What is known of a candidate so far."""

    def __init__(self) -> None:
        self.check = Check()
        self.warnings: list[str] = []
        self.unchecked: str | None = None
        self.estimate: Estimate | None = None
        self.kernels: list[KernelProfile] = []
