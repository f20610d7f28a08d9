"""The verdict on a card. Runs in the judge, never in a runner."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from kernelwright.reference_kernels import Task

from .. import sandbox
from ..devices import Card
from ..evaluation import Evaluation, Floor, Status
from ..gpus import Gpu
from ..ncu import find_ncu
from ..phases import sha256_of
from ..places import remove
from ..protocol import Contender, EnvironmentLacks, Job, Progress, Standing
from ..reference.facts import environment
from ..runners import Failure
from ..statistics import MIN_PAIRS, log_ratios, noise_floor
from .contest import Contest
from .examination import Examination
from .head_to_head import head_to_head
from .station import Station
from .timing import NotTimed

_MAY_HARM_THE_CARD = (Status.TIMEOUT, Status.RUNTIME_ERROR, Status.OUT_OF_MEMORY)


class MeasuredJudge:
    """Judges kernels for one task on one card."""

    kind: Literal["cuda"] = "cuda"

    def __init__(self, task: Task, target: Gpu, device: Gpu, card: Card, folder: Path) -> None:
        try:
            self.station = Station(task, target, device, card, folder)
        except torch.OutOfMemoryError:
            raise EnvironmentLacks(
                f"the {card.name} has no room for the task {task.name}: end what else runs on it (see nvidia-smi), "
                "or give the task smaller shapes"
            ) from None
        self.oracle = self.station.oracle
        self.device_name = card.name
        self._folder = folder

    def evaluate(self, job: Job, tell: Progress) -> Evaluation:
        """The whole verdict on one kernel; what was refused leaves nothing running and no file."""
        examination = Examination(self.station, job, tell)
        try:
            examination.run()
            return self._verdict(job, examination, Status.PASSED)
        except Failure as failure:
            # A copy: the frames behind the original hold tensors for as long as nobody collects garbage.
            problem = Failure(failure.status, failure.reason, failure.defence)
        except torch.OutOfMemoryError as full:
            problem = Failure(Status.OUT_OF_MEMORY, str(full).splitlines()[0])
        if problem.status is Status.OUT_OF_MEMORY:
            torch.cuda.empty_cache()
        self.station.cells.forget(job.source)
        if problem.status in _MAY_HARM_THE_CARD:
            self.station.check_health()
        # On a card nothing stays unchecked: a candidate that says so of itself has failed.
        status = Status.RUNTIME_ERROR if problem.status is Status.UNCHECKED else problem.status
        return self._verdict(job, examination, status, problem)

    def noise_floor(self, source: str, tell: Progress) -> float | None:
        """Two copies of one kernel through the ordinary procedure, `MIN_PAIRS` pairs of them."""
        sides = self.station.sides
        one, two = sides.of_source("one", source, 0), sides.of_source("two", source, 1)
        try:
            found = Contest(self.station.watch(), one, two, tell).run(lambda ratios: len(ratios) < MIN_PAIRS)
        except (Failure, NotTimed, torch.OutOfMemoryError) as problem:
            tell(f"no noise floor: {str(problem).splitlines()[0]}")
            return None
        if found.pairs < MIN_PAIRS:
            tell(f"no noise floor: the card throttled during {found.discarded} pairs")
            return None
        return noise_floor(log_ratios(found.samples))

    def compare(self, contenders: list[Contender], tell: Progress) -> list[Standing]:
        """All contenders head to head; speedups over the first."""
        sides = self.station.sides
        try:
            ready = [sides.of_contender(contender, number) for number, contender in enumerate(contenders)]
            return head_to_head(ready, self.station.watch, tell)
        except torch.OutOfMemoryError as full:
            reason = str(full).splitlines()[0]
            return [Standing(name=one.name, median_ms=None, reason=reason) for one in contenders]

    def floors(self) -> Floor:
        """The task's floors on the target and on this card."""
        return self.station.floors()

    def environment(self) -> dict[str, str]:
        """Versions of everything that the figures depend on."""
        return dict(self._versions)

    def close(self) -> None:
        """End all processes, give the memory back, remove all files."""
        self.station.close()
        remove(self._folder)

    @cached_property
    def _versions(self) -> dict[str, str]:
        card = self.station.card
        return {
            **environment(),
            "driver": card.driver,
            "gpu": card.name,
            "ncu": find_ncu().version or "none",
        }

    def _verdict(
        self, job: Job, found: Examination, status: Status, failure: Failure | None = None
    ) -> Evaluation:
        confined = sandbox.level()
        unconfined = [sandbox.PROCESS_WARNING] if confined == "process" else []
        return Evaluation(
            task=self.station.task.name,
            kernel=sha256_of(job.source),
            target=job.target,
            device=self.device_name,
            provenance="measured",
            sandbox=confined,
            status=status,
            reason=failure.reason if failure else None,
            refused_by=failure.defence if failure else None,
            correctness=found.check.correctness if found.check.correctness.families else None,
            timing=None if failure else found.timing,
            floor_ms=self.floors(),
            kernels=found.kernels,
            warnings=[*found.warnings, *unconfined],
            seconds={name: round(value, 3) for name, value in found.seconds.items()},
            environment=self.environment(),
        )
