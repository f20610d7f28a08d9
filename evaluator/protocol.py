"""What a campaign asks of an evaluator, and the only two ways in which an evaluator itself can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from .evaluation import Evaluation, Floor

DeviceKind = Literal["cuda", "offline"]
"""Where kernels are judged: measured on a card, or estimated without one."""

Progress = Callable[[str], None]
"""Called with one short phrase whenever an evaluation enters another phase."""


class EnvironmentLacks(RuntimeError):
    """The installation cannot do what was asked; the message names the command that mends it (exit 3)."""


class GpuUnhealthy(RuntimeError):
    """The card stopped answering and a fresh process did not help; the campaign pauses (exit 5)."""


class Job(BaseModel):
    """One kernel to judge."""

    model_config = ConfigDict(extra="forbid")
    task: str
    """A bundled task's name or the path of a task folder."""
    source: str
    target: str
    """A name of the GPU table."""
    against: str | None = None
    """Source of the kernel to time against; None: PyTorch eager."""
    profile: bool = False
    """Whether to run ncu over it when it passed (measured only)."""
    threshold: float = 0.02
    """Relative gain below which more pairs are pointless (measured only)."""


class Contender(BaseModel):
    """One side of a head-to-head."""

    model_config = ConfigDict(extra="forbid")
    name: str
    """``eager``, ``compile``, or what to call the kernel in `source`."""
    source: str | None = None


class Standing(BaseModel):
    """How one contender did in a head-to-head of interleaved fresh processes."""

    model_config = ConfigDict(extra="forbid")
    name: str
    median_ms: float | None
    speedup: float | None = None
    """Over the first contender, geometric mean over the rounds; None when this one failed."""
    speedup_ci95: tuple[float, float] | None = None
    rounds: int = 0
    reason: str | None = None
    """Why there is no time."""


class TensorFact(BaseModel):
    """One input, parameter or output of a task."""

    model_config = ConfigDict(extra="forbid")
    name: str
    shape: list[int]
    dtype: str
    """``float32``, as torch prints it without the prefix."""


class TaskFacts(BaseModel):
    """A task's timed shapes, found by running its reference on meta tensors."""

    model_config = ConfigDict(extra="forbid")
    inputs: list[TensorFact]
    parameters: list[TensorFact]
    """Parameters and buffers, by their state_dict names."""
    outputs: list[TensorFact]
    floor_bytes: int
    """Every input and parameter read once, every output written once, or what the task says."""
    floor_flops: int = 0
    dtype: str = "float32"
    """Of the first output that is floating point, else of the first such input."""


class Session(BaseModel):
    """What is known of the device before the first candidate."""

    model_config = ConfigDict(extra="forbid")
    kind: DeviceKind
    device: str
    """The card's name as the driver reports it, or ``offline``."""
    target: str
    sandbox: Literal["bubblewrap", "process"]
    facts: TaskFacts
    floor_ms: Floor
    noise_floor: float | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)


class Impostor(BaseModel):
    """One answer that is none, and what a task's check says to it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    """``zeros``, ``a copy of x``."""
    refused: bool | None
    """None: there is no such answer to this task."""
    family: str | None = None
    """The family of inputs that refused it, or on which it came through best."""
    error: float | None = None
    """Largest error over the reference's RMS; None when it is not finite."""
    budget: float | None = None
    """What `error` may be at most, in the same unit."""
    reason: str | None = None
    """Why there is no such answer."""


class Proof(BaseModel):
    """Whether a task's check refuses every answer that is none."""

    model_config = ConfigDict(extra="forbid")
    task: str
    at: str | None = None
    """Shapes and device of the check; None when it could not be made."""
    proven: bool
    reason: str | None = None
    """Why the task is not proven."""
    impostors: list[Impostor] = Field(default_factory=list)


class Evaluator(Protocol):
    """Judges kernels on one device. Raises `EnvironmentLacks` or `GpuUnhealthy`, nothing else."""

    def open(self, task: str, target: str) -> Session:
        """Start what has to be started and say what is there."""
        ...

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        """Judge one kernel; a kernel's failure is a status."""
        ...

    def noise_floor(self, task: str, source: str, progress: Progress) -> float | None:
        """Relative gain seen between two copies of one kernel; None offline."""
        ...

    def compare(self, task: str, contenders: list[Contender], progress: Progress) -> list[Standing]:
        """Time all contenders head to head; empty offline."""
        ...

    def close(self) -> None:
        """End every process that was started."""
        ...
