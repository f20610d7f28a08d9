"""The verdict on a card: gate, correctness, evidence, timing, profile. Runs in the judge, never in a runner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from kernelwright.reference_kernels import Task

from .. import sandbox
from ..correctness import Check, check
from ..devices import Card
from ..evaluation import Evaluation, Floor, KernelProfile, Status, Timing
from ..evidence_rule import EVIDENCE_SHARE, too_little_triton
from ..facts import environment, floors
from ..gpus import Gpu
from ..ncu import ProfiledLaunch, find_ncu
from ..oracle import Oracle
from ..phases import phase, sha256_of
from ..protocol import Contender, GpuUnhealthy, Job, Progress, Standing
from ..runners import Failure, Runner, WarmParent
from ..source import check_source, triton_functions
from ..statistics import MIN_PAIRS, Next, log_ratios, next_pair, noise_floor
from . import kernels, timing
from .head_to_head import head_to_head
from .profile import ProfileUnavailable, profile
from .sides import Side, Sides
from .timing import Stopwatch

_SUSPICIOUS_SPEEDUP = 10.0
_NCU_AGREEMENT = 0.6
"""An event time below this share of ncu's duration is refused."""


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
        self.oracle = Oracle(task, "cuda")
        self.parent = WarmParent(folder / "runners")
        self.parent.start()
        self.sides = Sides(self.oracle, self.parent.folder)
        self.flush_bytes = 2 * torch.cuda.get_device_properties(0).L2_cache_size

    # -- what the protocol asks -------------------------------------------------------------------------

    def evaluate(self, job: Job, tell: Progress) -> Evaluation:
        """The whole verdict on one kernel."""
        seconds: dict[str, float] = {}
        found = _Found()
        try:
            self._examine(job, tell, seconds, found)
        except Failure as failure:
            self._after_a_failure(failure)
            found.timing = None
            # On a card nothing stays unchecked: a candidate that says so of itself has failed.
            status = Status.RUNTIME_ERROR if failure.status is Status.UNCHECKED else failure.status
            return self._verdict(job, found, seconds, status, failure.reason)
        except torch.OutOfMemoryError as problem:
            torch.cuda.empty_cache()
            return self._verdict(job, found, seconds, Status.OUT_OF_MEMORY, str(problem).splitlines()[0])
        return self._verdict(job, found, seconds, Status.PASSED, None)

    def noise_floor(self, source: str, tell: Progress) -> float | None:
        """Two copies of one kernel through the ordinary procedure, `MIN_PAIRS` pairs of them."""
        one, two = self.sides.of_source("one", source, 0), self.sides.of_source("two", source, 1)
        try:
            found = timing.pairwise(self._watch(), one, two, lambda ratios: len(ratios) < MIN_PAIRS, tell)
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
        self.parent.close()
        self.sides.close()

    # -- one candidate ----------------------------------------------------------------------------------

    def _examine(self, job: Job, tell: Progress, seconds: dict[str, float], found: _Found) -> None:
        problem = check_source(job.source)
        if problem is not None:
            raise Failure(Status.INVALID_SOURCE, problem.reason)
        with phase("compile", seconds, tell):
            self._gate(job, found)
        side = self.sides.of_source("candidate", job.source, 0)
        with self._runner(side, tell, seconds) as runner:
            self._check(side, runner, tell, seconds, found)
            self._witness(side, runner, job, found)
        with phase("timing", seconds, tell):
            against = self.sides.baseline(job, 1)
            try:
                found.timing = timing.against(self._watch(), side, against, job.threshold, tell)
            except timing.BaselineFailed as problem:
                found.check.warnings.append(f"not timed: the baseline failed ({problem})")
                return
            found.timing.baseline = _baseline_name(job)
        self._floor(found.timing)
        if job.profile and (job.against is None or _surely_faster(found.timing, job.threshold)):
            with phase("profile", seconds, tell):
                self._profile(side, found)
        self._plausible(job, found)

    @contextmanager
    def _runner(self, side: Side, tell: Progress, seconds: dict[str, float]) -> Iterator[Runner]:
        with phase("start", seconds, tell):
            runner = self.parent.fork()
            runner.order("enter", folder=str(runner.folder), cache=str(side.cache), gpu=None)
            side.bench.write_parameters(self.oracle.parameters)
            torch.cuda.synchronize()
        with runner:
            with phase("start", seconds, tell):
                runner.answer(timing.CALL_SECONDS, "starting CUDA")
            yield runner

    def _check(
        self, side: Side, runner: Runner, tell: Progress, seconds: dict[str, float], found: _Found
    ) -> None:
        """The oracle's parameters are drawn anew once the candidate is imported."""
        with phase("compile", seconds, tell):
            load = replace(side.load(self.oracle.init_inputs), remember=True)
            runner.ask("load", timing.CALL_SECONDS, "being imported", load=load)
            self.oracle.redraw_parameters()
            side.bench.write_parameters(self.oracle.parameters)
            torch.cuda.synchronize()
            runner.ask(
                "parameters", timing.CALL_SECONDS, "taking its parameters", slots=side.bench.parameters
            )
            handed = side.bench.write_inputs(self.oracle.draw_inputs("nominal"))
            torch.cuda.synchronize()
            runner.ask(
                "forward",
                timing.WARM_SECONDS,
                "compiling or computing for the first time",
                inputs=handed,
                outputs=side.bench.outputs[0],
            )
        with phase("correctness", seconds, tell):
            families = [*self.task.required, *self.task.stress]
            check(self.oracle, side.bench, runner, families, seconds=timing.CALL_SECONDS, into=found.check)

    def _witness(self, side: Side, runner: Runner, job: Job, found: _Found) -> None:
        """Which kernels did the work; a candidate whose own Triton kernels did not is rejected."""
        handed = side.bench.write_inputs(self.oracle.draw_inputs("nominal"))
        torch.cuda.synchronize()
        answer = runner.ask("evidence", timing.CALL_SECONDS, "being traced", inputs=handed)
        found.kernels, share = kernels.from_evidence(answer, triton_functions(job.source))
        if not found.kernels:
            raise Failure(Status.REJECTED, "forward launched none of the source's own Triton kernels")
        if share is None:
            found.check.warnings.append(
                "the GPU time per kernel could not be traced, so its share is unknown"
            )
        elif share < EVIDENCE_SHARE:
            raise Failure(Status.REJECTED, too_little_triton(share, "GPU time"))

    def _floor(self, measured: Timing) -> None:
        floor = self.floors().device
        if floor is not None and measured.median_ms < floor:
            raise Failure(
                Status.REJECTED,
                f"{measured.median_ms:.4f} ms is less than the {floor:.4f} ms that the task's bytes and "
                f"operations take at the peak rates of the {self.device.title}",
            )

    def _profile(self, side: Side, found: _Found) -> None:
        try:
            rows = profile(
                side.source,
                side.cache,
                self.parent.folder,
                self.oracle.init_inputs,
                self.oracle.draw_inputs("nominal"),
            )
            found.profiled = rows
            found.kernels = kernels.with_profile(found.kernels, rows)
        except ProfileUnavailable as problem:
            found.check.warnings.append(f"profile unavailable: {problem}")
            found.kernels = kernels.without_profile(found.kernels, str(problem))

    def _plausible(self, job: Job, found: _Found) -> None:
        """A time that ncu contradicts is refused; a huge gain without ncu is named."""
        assert found.timing is not None
        total = kernels.total_ms(found.profiled)
        if total is not None and found.timing.median_ms < _NCU_AGREEMENT * total:
            raise Failure(
                Status.REJECTED,
                f"events say {found.timing.median_ms:.4f} ms where ncu counted {total:.4f} ms of kernels",
            )
        if total is None and job.against is not None and found.timing.speedup > _SUSPICIOUS_SPEEDUP:
            found.check.warnings.append(
                f"{found.timing.speedup:.1f}× over its parent without ncu's durations as a witness"
            )

    # -- pieces -----------------------------------------------------------------------------------------

    def _gate(self, job: Job, found: _Found) -> None:
        """When the target is another card, the kernel must also compile and fit there."""
        if self.target.name == self.device.name:
            return
        from ..offline.judge import record_launches

        try:
            recording = record_launches(
                self.parent,
                self.sides.file(job.source),
                self.oracle,
                self.target,
                self.sides.cache(job.source),
            )
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
        return Stopwatch(self.oracle, self.parent, self.flush_bytes, self.card.index)

    def _after_a_failure(self, failure: Failure) -> None:
        """A hang or a crash may have left the card unusable: ask a fresh process, twice."""
        if failure.status not in (Status.TIMEOUT, Status.RUNTIME_ERROR, Status.OUT_OF_MEMORY):
            return
        for _ in range(2):
            try:
                with self.parent.fork() as runner:
                    cache = str(self.folder)
                    runner.ask(
                        "enter", 30.0, "starting CUDA", folder=str(runner.folder), cache=cache, gpu=None
                    )
                    if runner.ask("health", 30.0, "adding")["sum"] == 2048.0:
                        return
            except Failure:
                continue
        raise GpuUnhealthy(
            f"the {self.card.name} does not answer any more: check it with nvidia-smi, then resume"
        )

    def _verdict(
        self, job: Job, found: _Found, seconds: dict[str, float], status: Status, reason: str | None
    ) -> Evaluation:
        tried = found.check.correctness.families
        confined = sandbox.level()
        warnings = list(found.check.warnings)
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
            reason=reason,
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
        self.profiled: list[ProfiledLaunch] = []
        self.timing: Timing | None = None


def _surely_faster(measured: Timing, threshold: float) -> bool:
    """Only a kernel that may become a parent is worth a profile."""
    return next_pair(log_ratios(measured.samples), threshold) is Next.FASTER


def _baseline_name(job: Job) -> str:
    return "eager" if job.against is None else sha256_of(job.against)
