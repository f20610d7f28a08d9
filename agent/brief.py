"""The brief: all the data that a prompt is filled from, as plain data."""

from __future__ import annotations

from typing import Any

from kernelwright.evaluator.evaluation import Scalar
from kernelwright.evaluator.gpus import Gpu
from kernelwright.evaluator.protocol import TensorFact
from kernelwright.stages import Stage
from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Workload(_Model):
    """What the kernel is timed on."""

    title: str
    reference: str
    """The PyTorch reference's source."""
    inputs: list[TensorFact]
    parameters: list[TensorFact]
    """By their state_dict names."""
    outputs: list[TensorFact]
    tolerance: str
    """In words: what counts as correct, and on which families of inputs."""


class BriefKernel(_Model):
    """One kernel of the parent: share of the time, and its metrics by Nsight Compute's names."""

    name: str
    duration_ms: float | None
    """All its launches in one forward."""
    time_share: float | None
    """0 to 1."""
    metrics: dict[str, float]
    """Only what the stage shows, in the stage's order."""
    missing: dict[str, str] = Field(default_factory=dict)
    """Metrics that the stage shows and this profile has not, with the reason."""
    grid: tuple[int, int, int] | None = None
    launches: int | None = None
    config: dict[str, Scalar] = Field(default_factory=dict)
    """The tl.constexpr values that it ran with, and ``num_warps``, ``num_stages``."""


class Profile(_Model):
    """The parent's metrics, and where they come from."""

    device: str
    """The card on which they were taken, or ``offline``."""
    provenance: str
    """``measured`` or ``estimated``."""
    kernels: list[BriefKernel]
    on_target: bool = True
    """Whether the figures hold for the target: taken on such a card, or estimated for it."""
    card: Gpu | None = None
    """The table's row of the card on which they were taken, where that is not the target and is known."""


class Distance(_Model):
    """How far the parent is from what is possible."""

    ms: float
    provenance: str
    """Of `ms`: ``measured`` or ``estimated``."""
    floor_ms: float
    floor_of: str
    """The card whose peak rates the floor is for."""
    eager_ms: float | None = None
    """PyTorch eager on the same card, or estimated for it as `ms` is."""


class TriedAttempt(_Model):
    """What an earlier attempt of this stage did and what came of it."""

    attempt: str
    """``attempt 3``: without the campaign's name, which would make each campaign's prompts its own."""
    outcome: str
    """One sentence."""
    changes: list[str] = Field(default_factory=list)
    """What its launches did otherwise than its parent's, one phrase each."""
    diff: str | None = None
    """Its source against its parent's, when that is short."""


class Mend(_Model):
    """A failed attempt that the model is asked to repair."""

    code: str | None
    """The failed source; None when the reply held none."""
    status: str
    """A `Status`, or the kind of an extraction failure."""
    reason: str
    reply: str | None = None
    """The reply itself, when no kernel could be taken from it and it is of use to see why."""
    details: list[str] = Field(default_factory=list)
    """Facts about the failure, one sentence each: families of inputs and their errors."""


class Brief(_Model):
    """Everything that a template may use."""

    template: str
    """``optimise``, ``repair`` or ``first_kernel``."""
    target: Gpu
    stage: Stage
    code: str | None
    """The parent kernel's source; None for a first kernel."""
    code_passed: bool | None = None
    """Whether that source passed the check of correctness; None when there is none or no verdict on it."""
    profile: Profile | None = None
    workload: Workload | None = None
    distance: Distance | None = None
    tried: list[TriedAttempt] = Field(default_factory=list)
    broken_promises: list[str] = Field(default_factory=list)
    mend: Mend | None = None
    notes: list[str] = Field(default_factory=list)
    """What else the model should know of the kernel that it is shown, one sentence each."""

    def data(self) -> dict[str, Any]:
        """As a template sees it."""
        return self.model_dump(mode="json")
