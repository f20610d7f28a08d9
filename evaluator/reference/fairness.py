"""Whether a task has one right answer that a kernel can know: tried on values, never guessed from the source."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch

from .comparing import apart, differing
from .contract import load_reference
from .drawing import seed_everything
from .oracle import Oracle

_SAMPLE = 1 << 20
"""Elements of an output that are compared; a large output is not held several times."""
_TIES = 0.01
"""Share of an output's whole numbers that PyTorch's own rounding may decide."""

Outputs = list[torch.Tensor]


def unfair(oracle: Oracle) -> str | None:
    """Why no kernel of this task could be judged fairly, as a clause; None when they can be."""
    with torch.no_grad():
        return next((reason for reason in _reasons(_Trial(oracle)) if reason), None)


def unmoved(oracle: Oracle) -> bool:
    """Whether the answer stays the same when the inputs are others."""
    with torch.no_grad():
        one, other = (oracle.expect(oracle.draw_inputs("nominal")) for _ in range(2))
    return not any(apart(*pair) for pair in zip(one, other, strict=True))


def _reasons(trial: _Trial) -> Iterator[str | None]:
    """Each may rely on those before it."""
    yield trial.repeats()
    yield trial.changes()
    yield trial.unshared()
    yield trial.touches_inputs()
    yield trial.ties()
    yield trial.unanswered()


class _Trial:
    """Calls of one reference in fp64, where two answers differ only by what the reference itself does."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._one, self._two = (oracle.draw_inputs("nominal") for _ in range(2))
        self._places = [_places(fact.shape, oracle.device) for fact in oracle.facts.outputs]
        self._first: Outputs = []

    def repeats(self) -> str | None:
        """Whether the seed changes the inputs."""
        if self._oracle.inputs.vary:
            return None
        return "its get_inputs gives the same values every time (does it set a seed?), so an answer could be kept"

    def changes(self) -> str | None:
        """Whether the same inputs always have the same answer."""
        used, fresh, second = (self._oracle.exact_model() for _ in range(3))
        self._first = first = self._run(used, self._one, seed=1)
        if not all(bool(one.isfinite().all()) for one in first if one.is_floating_point()):
            return self._no_answer
        after = self._run(used, self._two, seed=2)
        if self._differ(self._run(fresh, self._one, seed=3), first):
            return "its forward draws random numbers (dropout in training mode?), so it has no one answer"
        if self._differ(self._run(second, self._two, seed=2), after):
            return "its forward keeps something from call to call that changes the answer"
        return None

    def unshared(self) -> str | None:
        """Whether another build with the same state_dict gives the same answer."""
        oracle = self._oracle
        seed_everything(4)
        other = oracle.build(load_reference(oracle.task, oracle.constants))
        other.load_state_dict(oracle.parameters, strict=True)
        if not self._differ(self._run(other.double(), self._one, seed=1), self._first):
            return None
        return (
            "two Models with the same state_dict give different answers, since it draws values that are not in its "
            "state_dict: make them parameters or persistent buffers"
        )

    def touches_inputs(self) -> str | None:
        """Whether forward writes to its inputs or returns them: both is refused of a kernel and of eager alike."""
        given = copy.deepcopy(self._one)
        outputs = self._oracle.answer(given)
        for fact, value, before in zip(self._oracle.facts.inputs, given, self._one, strict=True):
            if isinstance(value, torch.Tensor) and not torch.equal(_bytes(value), _bytes(before)):
                return f"its forward changes its input '{fact.name}' in place"
        theirs = {_memory(value) for value in given if isinstance(value, torch.Tensor)}
        shared = next((number for number, out in enumerate(outputs) if _memory(out) in theirs), None)
        return None if shared is None else f"output {shared} is a view of an input, so nothing is computed"

    def ties(self) -> str | None:
        """Whether ties or rounding decide an output of whole numbers."""
        answer = self._sampled(self._oracle.answer(self._one))
        for number, (own, exact) in enumerate(zip(answer, self._first, strict=True)):
            share = 0.0 if exact.is_floating_point() else differing(own, exact)
            if share > _TIES:
                return (
                    f"{share:.0%} of output {number}, which holds whole numbers, differ between the task's dtype and "
                    "fp64: ties or rounding decide them"
                )
        return None

    def unanswered(self) -> str | None:
        """Whether the inputs that are timed have no finite answer in the task's own dtype."""
        return self._no_answer if self._oracle.case("nominal") is None else None

    _no_answer = "its reference has no finite answer on the inputs that get_inputs draws"

    def _run(self, model: Any, inputs: list[Any], seed: int) -> Outputs:
        seed_everything(seed)
        return self._sampled(self._oracle.exactly(model, inputs))

    def _sampled(self, outputs: Outputs) -> Outputs:
        """Copies: a module may return what it writes to."""
        self._oracle.require_shapes("nominal", outputs)
        return [one.flatten()[places] for one, places in zip(outputs, self._places, strict=True)]

    def _differ(self, some: Outputs, others: Outputs) -> bool:
        """By more than the check would always allow."""
        facts, tolerance = self._oracle.facts.outputs, self._oracle.task.tolerance
        return any(
            apart(one, other, tolerance.floor(fact.dtype))
            for one, other, fact in zip(some, others, facts, strict=True)
        )


def _places(shape: list[int], device: str) -> torch.Tensor:
    count = torch.Size(shape).numel()
    if count <= _SAMPLE:
        return torch.arange(count, device=device)
    return torch.randint(count, (_SAMPLE,), device=device)


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.reshape(-1).view(torch.uint8)


def _memory(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage().data_ptr())
