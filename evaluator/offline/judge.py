"""The verdict without a GPU: recorded launches, the interpreter's correctness, counted bytes, an estimate."""

from __future__ import annotations

from typing import Literal

from kernelwright.reference_kernels import Task

from .. import sandbox
from ..defences import Defence
from ..evaluation import Evaluation, Floor, Status
from ..gpus import Gpu
from ..phases import sha256_of
from ..protocol import Contender, Job, Progress, Standing
from ..reference.facts import environment
from ..reference.oracle import Oracle, Shapes
from ..runners import Failure
from .examination import Examination
from .parents import Parents
from .station import Station


class OfflineJudge:
    """Judges kernels for one task and one target without a card."""

    kind: Literal["offline"] = "offline"
    device_name = "offline"

    def __init__(self, task: Task, target: Gpu, parents: Parents) -> None:
        self._station = Station(task, target, parents)

    @property
    def task(self) -> Task:
        """What is judged."""
        return self._station.task

    @property
    def oracle(self) -> Shapes:
        """The task at its timed shapes."""
        return self._station.oracle

    @property
    def small(self) -> list[Oracle]:
        """The task at the shapes that the interpreter is given; none where there are none."""
        return self._station.small

    def evaluate(self, job: Job, tell: Progress) -> Evaluation:
        """The whole verdict on one kernel."""
        self._station.parents.clean()
        found = Examination(self._station, job, tell)
        try:
            found.run()
        except Failure as failure:
            return self._verdict(job, found, failure.status, failure.reason, failure.defence)
        return self._verdict(
            job, found, Status.UNCHECKED if found.unchecked else Status.PASSED, found.unchecked
        )

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
        return self._station.floors()

    def close(self) -> None:
        """Nothing to do: the parents of its runners serve the next task as well."""

    def _verdict(
        self, job: Job, found: Examination, status: Status, reason: str | None, defence: Defence | None = None
    ) -> Evaluation:
        good = status in (Status.PASSED, Status.UNCHECKED)
        tried = found.check.correctness.families
        confined = sandbox.level()
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
            warnings=[*found.warnings, *([sandbox.PROCESS_WARNING] if confined == "process" else [])],
            seconds={name: round(value, 3) for name, value in found.seconds.items()},
            environment=self.environment(),
        )
