"""What the evaluator says about a kernel: the models behind ``kernelwright evaluate --json``.

Status decides which fields exist: a validator refuses a timing on a kernel that did not pass, a timing
on an estimate, and an estimate on a measurement.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .defences import Defence


class Status(StrEnum):
    """The one-word verdict."""

    PASSED = "passed"  # correct on every required family of inputs, with its own Triton kernels at work
    INVALID_SOURCE = "invalid_source"  # does not parse, or has no ModelNew with forward and a @triton.jit
    COMPILE_ERROR = "compile_error"  # Triton or ptxas refused a kernel
    RESOURCE_LIMIT = "resource_limit"  # no configuration fits the target's registers or shared memory
    RUNTIME_ERROR = "runtime_error"  # raised or crashed while it was imported, built or called
    TIMEOUT = "timeout"  # still running at the time limit, and killed
    OUT_OF_MEMORY = "out_of_memory"  # asked for more memory than there is
    INCORRECT = "incorrect"  # a required family of inputs is outside its error budget
    UNCHECKED = "unchecked"  # offline only: no verdict on correctness, with the reason
    REJECTED = "rejected"  # the answer may be right and the way to it is not


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FamilyResult(_Model):
    """How one family of inputs went."""

    error: float | None
    """Largest |out - fp64 reference| over the reference's RMS; None when it is NaN or infinite."""
    budget: float
    """What `error` may be at most, in the same unit."""
    passed: bool
    required: bool


class Correctness(_Model):
    """Results by family of inputs, in the order in which they were tried."""

    families: dict[str, FamilyResult]
    deterministic: bool | None = None
    """Whether repeated runs on one input were bitwise equal; None when that was not tried."""


class Timing(_Model):
    """A measured time, against a baseline that was measured in the same pairs of fresh processes."""

    median_ms: float
    baseline: str
    """``eager``, ``compile`` or the SHA-256 of the kernel compared with."""
    baseline_ms: float
    speedup: float
    """Geometric mean over the pairs of baseline time / candidate time."""
    speedup_ci95: tuple[float, float]
    pairs: int
    samples: list[tuple[float, float]] = Field(default_factory=list)
    """Per pair: (candidate ms, baseline ms), each a median over the calls of one process."""
    discarded: int = 0
    """Pairs thrown away because the card throttled."""
    noise_floor: float | None = None
    """Relative gain that two copies of one kernel showed by the same procedure on this card."""


class Estimate(_Model):
    """An offline estimate of the time: it ranks, it never proves a gain."""

    ms: float
    range_ms: tuple[float, float]


class Floor(_Model):
    """The least time that the task's bytes and operations take at the card's peak rates."""

    device: float | None
    """On the card where the kernel ran; None offline."""
    target: float


Scalar = bool | int | float | str | None


class KernelProfile(_Model):
    """One Triton kernel of the candidate: how it was launched and what was seen of it."""

    name: str
    grid: tuple[int, int, int]
    launches: int
    time_share: float | None
    """Share of the candidate's GPU time (0 to 1); offline, of its estimated time."""
    duration_ms: float | None = None
    """All its launches in one forward; offline, estimated."""
    config: dict[str, Scalar] = Field(default_factory=dict)
    """The tl.constexpr values it was compiled with, and ``num_warps``, ``num_stages``."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """Nsight Compute's names, whether ncu measured them or (offline) the compiler and the count know them."""
    missing: dict[str, str] = Field(default_factory=dict)
    """Metrics that were asked for and are not there, with the reason."""


class Evaluation(_Model):
    """The whole verdict on one kernel."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    task: str
    kernel: str
    """SHA-256 of the source's bytes."""
    target: str
    device: str
    """The card's name, or ``offline``."""
    provenance: Literal["measured", "estimated"]
    sandbox: Literal["bubblewrap", "process"]
    status: Status
    reason: str | None = None
    refused_by: Defence | None = None
    """The defence that refused it, where one did; failures of its own (a crash, a compiler's error) have none."""
    correctness: Correctness | None = None
    timing: Timing | None = None
    estimate: Estimate | None = None
    floor_ms: Floor | None = None
    kernels: list[KernelProfile] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall-clock seconds by phase: start, compile, correctness, timing, profile."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Versions of torch, triton, driver and ncu."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _status_decides_the_fields(self) -> Self:
        good = self.status in (Status.PASSED, Status.UNCHECKED)
        if not good and self.reason is None:
            raise ValueError(f"status {self.status} needs a reason")
        if not good and (self.timing or self.estimate):
            raise ValueError(f"status {self.status} has no timing and no estimate")
        if self.provenance == "estimated" and self.timing:
            raise ValueError("an estimate has no timing")
        if self.provenance == "measured" and self.estimate:
            raise ValueError("a measurement has no estimate")
        if self.status is Status.UNCHECKED and (self.reason is None or self.provenance == "measured"):
            raise ValueError("unchecked is an offline status and says why")
        return self

    @property
    def ms(self) -> float | None:
        """The time this verdict knows: measured median, or estimate; None for a failure."""
        if self.timing:
            return self.timing.median_ms
        return self.estimate.ms if self.estimate else None

    def to_json(self, indent: int | None = 2) -> str:
        """As ``evaluate --json`` prints it."""
        return self.model_dump_json(by_alias=True, indent=indent)
