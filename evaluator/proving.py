"""A task has to prove itself before it judges anyone: its check must refuse every impostor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from kernelwright.reference_kernels import Task, TaskError

from .impostors import impostors, share
from .oracle import Oracle, Shapes
from .protocol import Impostor, Proof

_CPU_BYTES = 64e6
"""A task without small shapes is computed on the CPU at its timed ones up to this size in all."""


def prove(task: Task, device: str) -> Proof:
    """The task's proof: on a card at its timed shapes, on the CPU at small ones. Raises `TaskError`."""
    with _blaming(task):
        oracle = on_the_cpu(task) if device == "cpu" else Oracle(task, device)
    if oracle is not None:
        return prove_at(oracle)
    reason = (
        f"task '{task.name}' cannot be checked without a card: it has no small shapes,"
        f" and its timed ones take more than {_CPU_BYTES / 1e6:.0f} MB"
    )
    return Proof(task=task.name, proven=False, reason=reason)


def on_the_cpu(task: Task) -> Oracle | None:
    """The task at its first small shapes, or without such at the timed ones if those are small; else None."""
    if task.small:
        return Oracle(task, "cpu", task.small[0])
    return Oracle(task, "cpu") if Shapes(task).facts.floor_bytes <= _CPU_BYTES else None


def require(oracle: Oracle) -> None:
    """Refuse a task that proves nothing at these shapes: raises `TaskError`."""
    proof = prove_at(oracle)
    if proof.reason is not None:
        raise TaskError(proof.reason)


def prove_at(oracle: Oracle) -> Proof:
    """The proof at one set of shapes; raises `TaskError` when the reference does not run there."""
    with _blaming(oracle.task):
        found = impostors(oracle)
    reason = _reason(oracle.task, found)
    where = torch.cuda.get_device_name() if oracle.device == "cuda" else "CPU"
    shapes = ", ".join(f"{name}={value}" for name, value in oracle.constants.items()) or "timed shapes"
    return Proof(
        task=oracle.task.name,
        at=f"{shapes} on the {where}",
        proven=reason is None,
        reason=reason,
        impostors=found,
    )


@contextmanager
def _blaming(task: Task) -> Iterator[None]:
    """What goes wrong within is the reference's fault, unless the card is gone."""
    try:
        yield
    except (TaskError, torch.AcceleratorError):
        raise
    except Exception as problem:
        said = next(iter(str(problem).splitlines()), "no message")
        raise TaskError(f"'{task.reference}' does not run: {type(problem).__name__}: {said}") from None


def _reason(task: Task, found: list[Impostor]) -> str | None:
    passing = [impostor for impostor in found if impostor.refused is False]
    if not passing:
        return None
    begin = f"task '{task.name}' proves nothing: its"
    if passing[0].family is None:
        return f"{begin} reference has no finite answer on any required family of inputs, so require others"
    worst = min(passing, key=share)
    return (
        f"{begin} check lets {worst.name} pass (on {worst.family} inputs, error {worst.error:.2g} of the"
        f" reference's RMS where {worst.budget:.2g} is allowed); narrow its tolerance or change its reference"
    )
