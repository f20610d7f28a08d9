"""What came of each task, as ``bench`` keeps and prints it. Pure data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from kernelwright.evaluator.evaluation import Estimate, Status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

Name = Literal["eager", "compile", "seed", "best"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Kernel:
    """A source and where it comes from."""

    source: str
    sha: str
    origin: str
    """``yhyt.5``, ``seed.py``, ``softmax.py``."""
    place: str
    """The store or folder that it lies in; ``task`` for the task's own."""


@dataclass(frozen=True)
class Planned:
    """One task before it is run."""

    task: str
    """A bundled task's name, or the absolute path of a task folder or of a KernelBench file."""
    name: str
    reference: str
    """SHA-256 of the reference's text."""
    description: str
    """SHA-256 of all else that a run depends on: families, tolerances, shapes, operations and bytes."""
    seed: Kernel | None
    best: Kernel | None
    no_best: str
    """Why there is no best kernel, for when there is none."""


class Place(_Model):
    """What times depend on besides the kernels; rows of different places are not compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    device: str
    """The card's name, or ``offline``."""
    target: str
    driver: str | None
    """None offline."""
    torch: str | None
    triton: str | None

    @property
    def measured(self) -> bool:
        """Whether a card was there."""
        return self.device != "offline"


class Entry(_Model):
    """One contender of one task."""

    name: Name
    kernel: str | None = None
    """SHA-256 of the source; None for PyTorch's own, and where no such kernel is known."""
    origin: str | None = None
    """The attempt ``yhyt.5``, or a file's name."""
    place: str | None = None
    """The store or folder of `origin`; ``task`` for the task's own."""
    status: Status | None = None
    """The verdict on the kernel; only one that passed meets the others."""
    reason: str | None = None
    """Why it did not pass, was not timed, or is not there."""
    median_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Over the rounds of the head to head."""
    speedup: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Over eager, geometric mean over the rounds."""
    speedup_ci95: tuple[float, float] | None = None
    rounds: int = 0
    fraction_of_floor: float | None = None
    """The floor over `median_ms`: 1 is as fast as the card can be."""
    estimate: Estimate | None = None
    """Offline only."""
    warnings: list[str] = Field(default_factory=list)
    seconds: float = 0.0
    """Wall-clock seconds that its verdict took."""

    @property
    def failed(self) -> bool:
        """Whether it is a kernel that was judged and did not pass."""
        return self.status not in (None, Status.PASSED)


class Row(_Model):
    """One task on one place."""

    task: str
    name: str
    reference: str
    """SHA-256 of the reference's text."""
    description: str | None = None
    """As `Planned.description`; None in rows from before it was kept."""
    place: Place
    when: AwareDatetime
    stale: str | None = None
    """Why the latest run that was asked for this task would have found something else; None where it would not."""
    sandbox: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    """Versions as the evaluator gave them."""
    floor_ms: float | None = None
    """On the card that was used; offline, on the target."""
    contenders: list[Entry]
    failure: str | None = None
    """Why the task came to no end; it is run again the next time."""
    card_lost: bool = False
    """Whether it was the card that stopped answering."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall-clock seconds: start, verdicts, head_to_head."""

    @field_validator("contenders")
    @classmethod
    def _each_once(cls, contenders: list[Entry]) -> list[Entry]:
        if [entry.name for entry in contenders] != list(get_args(Name)):
            raise ValueError("a row has eager, compile, seed and best, in this order")
        return contenders

    def entry(self, name: Name) -> Entry:
        """The contender of that name."""
        return next(entry for entry in self.contenders if entry.name == name)

    @property
    def bad(self) -> list[str]:
        """What keeps the exit code from being 0: ``softmax best (incorrect)``."""
        if self.failure is not None:
            return [f"{self.name} (failed)"]
        return [f"{self.name} {one.name} ({one.status})" for one in self.contenders if one.failed]

    def replaces(self, other: Row) -> bool:
        """Whether a file keeps only the later of the two: the same task on the same card or target."""
        mine = (self.task, self.place.device, self.place.target)
        return mine == (other.task, other.place.device, other.place.target)

    def outlasting(self, failure: str) -> Row:
        """The same after another run of the task that failed; says so where the result is out of date."""
        stale = f"{self.stale}; run again, it failed: {failure}" if self.stale else None
        return self.model_copy(update={"stale": stale})


class Suite(_Model):
    """All rows: the file that ``bench`` keeps."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)
    schema_version: Literal[1] = Field(default=1, alias="schema")
    tasks: list[Row] = Field(default_factory=list)

    def merged(self, row: Row) -> Suite:
        """The same with one row more, or with a newer one in its place; a failure never takes a result's."""
        mine = next((other for other in self.tasks if row.replaces(other)), None)
        if row.failure is not None and mine is not None and mine.failure is None:
            row = mine.outlasting(row.failure)
        others = [other for other in self.tasks if not row.replaces(other)]
        return Suite(tasks=sorted([*others, row], key=lambda one: (one.place.device, one.name, one.task)))


def by_place(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """Rows that may be compared, together; in the order in which the places first appear."""
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault(row.place, []).append(row)
    return found
