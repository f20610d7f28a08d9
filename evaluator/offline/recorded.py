"""What a recording holds: the models, readable without torch."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ..evaluation import Scalar, Status
from ..launches import Launch
from ..protocol import TensorFact


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


Warned = Annotated[str, StringConstraints(max_length=2000)]


class TuningTrial(_Model):
    """One configuration of an autotuned kernel."""

    config: dict[str, Scalar]
    """Meta-parameters, ``num_warps``, ``num_stages``."""
    outcome: str
    """``fits``, ``spills N bytes``, ``too large: …`` or ``not tried``."""


class Tuning(_Model):
    """One round of autotuning without a clock: the first configuration that fits without spilling wins."""

    kernel: str
    trials: list[TuningTrial] = Field(default_factory=list)
    chosen: dict[str, Scalar] = Field(default_factory=dict)


class TorchOperation(_Model):
    """Work on the card that PyTorch did beside the Triton kernels."""

    name: str
    """``aten::sum``."""
    read_bytes: int = Field(ge=0, le=1 << 60)
    written_bytes: int = Field(ge=0, le=1 << 60)


class Recording(_Model):
    """One forward call after a warm-up call, on the task's full shapes, compiled for the target."""

    status: Status
    """`PASSED` says that everything ran and fits; nothing here speaks about correctness."""
    reason: str | None = None
    launches: list[Launch] = Field(default_factory=list, max_length=2000)
    """In order of launch."""
    operations: list[TorchOperation] = Field(default_factory=list, max_length=20_000)
    """PyTorch's own work on card memory in the same call, views and allocations left out."""
    outputs: list[TensorFact] | None = None
    tunings: list[Tuning] = Field(default_factory=list, max_length=1000)
    warnings: list[Warned] = Field(default_factory=list, max_length=100)
    compile_seconds: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _failures_have_reasons(self) -> Self:
        if self.status is not Status.PASSED and not self.reason:
            raise ValueError(f"status {self.status} needs a reason")
        return self
