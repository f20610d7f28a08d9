"""The brief: all the data that a prompt is filled from, as plain data."""

from __future__ import annotations

from typing import Any

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
    time_share: float | None
    metrics: dict[str, float]
    missing: dict[str, str] = Field(default_factory=dict)


class Profile(_Model):
    """The parent's metrics, and where they come from."""

    device: str
    """The card on which they were taken, or ``offline``."""
    provenance: str
    """``measured`` or ``estimated``."""
    kernels: list[BriefKernel]


class Distance(_Model):
    """How far the parent is from what is possible."""

    ms: float
    provenance: str
    floor_ms: float
    eager_ms: float | None = None


class TriedAttempt(_Model):
    """What an earlier attempt of this stage did and what came of it."""

    attempt: str
    outcome: str
    """One sentence."""


class Mend(_Model):
    """A failed attempt that the model is asked to repair."""

    code: str | None
    """The failed source; None when the reply held none."""
    status: str
    reason: str


class Brief(_Model):
    """Everything that a template may use."""

    template: str
    """``optimise``, ``repair`` or ``first_kernel``."""
    target: Gpu
    stage: Stage
    code: str | None
    """The parent kernel's source; None for a first kernel."""
    profile: Profile | None = None
    workload: Workload | None = None
    distance: Distance | None = None
    tried: list[TriedAttempt] = Field(default_factory=list)
    broken_promises: list[str] = Field(default_factory=list)
    mend: Mend | None = None
    notes: list[str] = Field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """As a template sees it."""
        return self.model_dump(mode="json")
