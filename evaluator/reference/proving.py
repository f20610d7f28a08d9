"""A task has to prove itself before it judges anyone: its check must refuse every impostor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from kernelwright.reference_kernels import Task, TaskError

from ..protocol import EnvironmentLacks, Impostor, Proof
from .contract import CPU_BYTES, blaming, is_full
from .facts import size, task_facts
from .fairness import unfair, unmoved
from .impostors import impostors, share
from .oracle import Oracle, Shapes
from .reach import floor_bytes
from .shrinking import guess


def prove(task: Task, device: str) -> Proof:
    """The task's proof: on a card at its timed shapes, on the CPU at small ones. Raises `TaskError`."""
    with room(task), blaming(task):
        oracle = on_the_cpu(task) if device == "cpu" else Oracle(task, device)
    if oracle is not None:
        return prove_at(oracle)
    lacks = "no small shapes could be guessed from its constants" if task.file else "it has no small shapes"
    reason = (
        f"task '{task.name}' cannot be checked without a card: {lacks}, and its timed ones take more than"
        f" {CPU_BYTES / 1e6:.0f} MB (docs/tasks.md says how to name some)"
    )
    return Proof(task=task.name, proven=False, reason=reason)


def on_the_cpu(task: Task) -> Oracle | None:
    """The task at its first small shapes, or guessed ones, or at the timed ones if those are small; else None."""
    if task.small:
        return Oracle(task, "cpu", task.small[0])
    guessed = guess(task) if task.file else None
    if guessed is not None:
        return guessed.small[0]
    return Oracle(task, "cpu") if Shapes(task).facts.floor_bytes <= CPU_BYTES else None


def require(oracle: Oracle) -> None:
    """Refuse a task that proves nothing at these shapes: raises `TaskError`.

    On a card a single file's floor becomes one that holds, since no author said what has to be read.
    """
    proof = prove_at(oracle)
    if proof.reason is not None:
        raise TaskError(proof.reason)
    if oracle.device == "cuda" and oracle.task.file and not oracle.task.bytes:
        with room(oracle.task):
            oracle.facts = oracle.facts.model_copy(update={"floor_bytes": floor_bytes(oracle)})


def prove_at(oracle: Oracle) -> Proof:
    """The proof at one set of shapes; raises `TaskError` when the reference does not run there."""
    with room(oracle.task, oracle.constants), blaming(oracle.task):
        clause = unfair(oracle)
        found = [] if clause else impostors(oracle)
        reason = _reason(oracle.task, found)
        if not clause and not reason and unmoved(oracle):
            clause = "its answer does not depend on its inputs"
    if clause:
        reason = f"task '{oracle.task.name}' cannot be judged: {clause}"
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
def room(task: Task, constants: dict[str, int] | None = None) -> Iterator[None]:
    """Raises `EnvironmentLacks`, with what the task takes, when memory runs out within."""
    try:
        yield
    except Exception as problem:
        if not is_full(problem):
            raise
        raise EnvironmentLacks(
            f"there is no room to check the task {task.name}: {_taken(task, constants)}; end what else runs there, "
            "or give it smaller shapes"
        ) from None


def _taken(task: Task, constants: dict[str, int] | None) -> str:
    """What its tensors take, where that can be known without making them."""
    try:
        facts = task_facts(task, constants)
    except Exception as problem:
        if not is_full(problem):
            raise
        return "it asks for more than there is"
    taken = sum(size(fact) for fact in (*facts.inputs, *facts.parameters, *facts.outputs))
    return (
        f"its inputs, parameters and outputs take {taken / 1e9:.2g} GB, and an fp64 reference with its comparison "
        "several times as much"
    )


def _reason(task: Task, found: list[Impostor]) -> str | None:
    passing = [impostor for impostor in found if impostor.refused is False]
    if not passing:
        return None
    begin = f"task '{task.name}' proves nothing: its"
    if passing[0].family is None:
        return f"{begin} reference has no finite answer on any required family of inputs, so require others"
    worst = min(passing, key=share)
    if worst.name.startswith("zeros") and not worst.error:
        return f"{begin} reference answers with nothing but {worst.name} (on {worst.family} inputs)"
    return (
        f"{begin} check lets {worst.name} pass (on {worst.family} inputs, error {worst.error:.2g} of the"
        f" reference's RMS where {worst.budget:.2g} is allowed); narrow its tolerance or change its reference"
    )
