"""A task: a folder with ``task.toml``, ``reference.py`` and, mostly, ``seed.py`` and ``wrong/*.py``."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class TaskError(ValueError):
    """A task is unknown or its folder is not one; the message says what is wrong and what to do."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tolerance(_Model):
    """How much error is allowed, per family of inputs."""

    eager_factor: float = 3.0
    """Times the error that PyTorch's own result in the task's dtype makes against fp64."""
    rms_floor: float = 1e-5
    """At least this, in units of the reference's RMS."""


class Task(_Model):
    """What is optimised."""

    name: str
    title: str
    """One line for people and for the prompt."""
    dtype: str
    """Of the main input and output: ``float32``, ``float16``, ``bfloat16``."""
    tolerance: Tolerance = Tolerance()
    required: list[str] = Field(default_factory=lambda: ["nominal", "small", "large", "sparse", "shifted"])
    """Families of inputs that decide the status (TRUST: correctness)."""
    stress: list[str] = Field(
        default_factory=lambda: ["shifted_10", "shifted_1000", "huge", "denormal", "infinite"]
    )
    """Families that are reported and do not decide the status."""
    small: list[dict[str, int]] = Field(default_factory=list)
    """Shapes for Triton's interpreter: values for constants of ``reference.py``, one dict per case."""
    flops: int = 0
    """Floating-point operations of one forward at the timed shapes, for the floor; 0: bytes decide."""
    folder: Path

    @property
    def reference(self) -> Path:
        """``reference.py``: Model, get_inputs, get_init_inputs (KernelBench's contract)."""
        return self.folder / "reference.py"

    @property
    def seed(self) -> Path | None:
        """``seed.py``, or None when the task starts from its reference alone."""
        path = self.folder / "seed.py"
        return path if path.exists() else None

    @property
    def wrong(self) -> list[Path]:
        """Kernels that must be refused."""
        return sorted(path for path in (self.folder / "wrong").glob("*.py") if path.name != "__init__.py")


def bundled() -> dict[str, Path]:
    """Folders of the tasks that come with kernelwright, by name."""
    here = Path(str(files(__package__)))
    return {path.parent.name: path.parent for path in sorted(here.glob("*/task.toml"))}


def load_task(name_or_path: str) -> Task:
    """A bundled task by name, or a task folder by path; raises `TaskError`."""
    folder = bundled().get(name_or_path) or Path(name_or_path)
    if not (folder / "task.toml").is_file():
        known = ", ".join(bundled())
        raise TaskError(
            f"unknown task '{name_or_path}': name a bundled one ({known}) or a folder with a task.toml"
        )
    if not (folder / "reference.py").is_file():
        raise TaskError(
            f"task folder '{folder}' has no reference.py with Model, get_inputs and get_init_inputs"
        )
    try:
        raw = tomllib.loads((folder / "task.toml").read_text(encoding="utf-8"))
        return Task(folder=folder.resolve(), **raw)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValidationError) as problem:
        raise TaskError(f"'{folder / 'task.toml'}' is not a task description: {problem}") from None
