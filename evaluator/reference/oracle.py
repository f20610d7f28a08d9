"""What is right: the task's reference in fp64 on secret inputs, and the error that is allowed around it.

Lives in the judge only. Works on a card and on the CPU alike.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from kernelwright.reference_kernels import Task, TaskError

from ..defences import Defence, on
from ..evaluation import FamilyResult
from ..exchange import dtype_name
from ..protocol import TensorFact
from .comparing import Budget, differing, errors, exact_budget, within
from .contract import blaming, described, is_full, load_reference
from .drawing import Inputs, seed_everything
from .exact import in_double
from .facts import facts_of
from .parameters import redrawn
from .patience import Overdue, held

_DRAWING, _ANSWERING = "its get_inputs", "its forward"
_ULPS = 4.0
_CUSTOMARY = 1e-2
"""What most benchmarks allow, and what is left without a budget."""


@dataclass
class Case:
    """Secret inputs of one family with what is expected of them."""

    family: str
    required: bool
    inputs: list[Any]
    """Tensors in the task's dtypes, and plain values."""
    expected: list[torch.Tensor]
    """Floating-point outputs in fp64, others as they are."""
    budgets: list[Budget]


class Shapes:
    """One task at one set of shapes: all that can be known of it without judging anything.

    ``device`` is where its reference runs if its shapes cannot be known otherwise. Raises `TaskError`.
    """

    def __init__(self, task: Task, constants: dict[str, int] | None = None, device: str = "cpu") -> None:
        self.task = task
        self.constants = constants or {}
        self._module = load_reference(task, constants)
        found = described(task, self._module, device)
        self.facts = facts_of(task, found)
        self.arguments: list[TensorFact | Any] = [
            fact if isinstance(value, torch.Tensor) else value
            for fact, value in zip(self.facts.inputs, found.inputs, strict=True)
        ]
        """What forward takes: facts for tensors, and plain values."""
        self._bounded = found.bounded
        with blaming(task), held(task, "its get_init_inputs"):
            self.init_inputs: list[Any] = list(self._module.get_init_inputs())


class Oracle(Shapes):
    """A task at one set of shapes, with one draw of its parameters, on one torch device."""

    def __init__(self, task: Task, device: str, constants: dict[str, int] | None = None) -> None:
        super().__init__(task, constants, device)
        self.device = device
        seed_everything(secrets.randbits(63))
        with torch.no_grad(), blaming(task):
            self._model = self.build(self._module)
            self.initial = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
            with held(task, _DRAWING):
                self.inputs = Inputs(self._module, device, self._bounded)
            self.redraw_parameters()

    def build(self, module: ModuleType) -> Any:
        """A new Model of that module on the device, in the mode in which it is built."""
        with held(self.task, "its Model"):
            return module.Model(*copy.deepcopy(self.init_inputs)).to(self.device)

    @property
    def required(self) -> list[str]:
        """Families that decide, without those that would only repeat others for these inputs."""
        signs = self.inputs.one_sided()
        return [family for family in self.task.required if signs or family != "signed"]

    def families(self) -> list[str]:
        """What a candidate is tried on, in this order."""
        return [*self.required, *self.task.stress] if on(Defence.FAMILIES) else ["nominal"]

    def redraw_parameters(self) -> None:
        """New secret parameter values, strictly through the state_dict."""
        seed_everything(secrets.randbits(63))
        state = redrawn(self._model, self.initial, self.device) if on(Defence.PARAMETERS) else self.initial
        self._model.load_state_dict(state, strict=True)
        self._exact = self.exact_model()

    def exact_model(self) -> Any:
        """A copy of the Model with the present parameters, in fp64."""
        return copy.deepcopy(self._model).double()

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        """The present parameter values by name."""
        return dict(self._model.state_dict())

    def trained(self) -> list[str]:
        """Names of the parameters without those of buffers, and one name for each tensor."""
        return [name for name, _ in self._model.named_parameters()]

    def draw_inputs(self, family: str) -> list[Any]:
        """Fresh secret inputs: what the task's own get_inputs gives, brought into the family."""
        with held(self.task, _DRAWING):
            return self.inputs.draw(family, secrets.randbits(63) if on(Defence.FRESH_INPUTS) else 0)

    def case(self, family: str) -> Case | None:
        """A case of that family, or None where the reference itself has no finite answer."""
        inputs = self.draw_inputs(family)
        answers = self._answers(family, inputs)
        if answers is None:
            return None
        plain, expected = answers
        expected = [within(exact, own.dtype) for own, exact in zip(plain, expected, strict=True)]
        budgets = [self._budget(own, exact) for own, exact in zip(plain, expected, strict=True)]
        return Case(family, family in self.task.required, inputs, expected, budgets)

    def _answers(
        self, family: str, inputs: list[Any]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]] | None:
        """PyTorch's own outputs and the exact ones; None where they are not finite or cannot be computed.

        In its own dtype an output may be infinite beyond the dtype's range, and nowhere else.
        """
        try:
            expected = self.expect(inputs)
            if not all(bool(torch.isfinite(one).all()) for one in expected if one.is_floating_point()):
                return None
            plain = self.answer(inputs)
        except Overdue:
            raise
        except Exception as problem:
            if family == "nominal" or is_full(problem) or isinstance(problem, torch.AcceleratorError):
                raise
            return None
        self.require_shapes(family, plain)
        if any(bool(one.isnan().any()) for one in plain if one.is_floating_point()):
            return None
        return plain, expected

    def require_shapes(self, family: str, outputs: list[torch.Tensor]) -> None:
        """Outputs have the same shapes whatever is in the inputs: raises `TaskError`."""
        for one, fact in zip(outputs, self.facts.outputs, strict=True):
            if list(one.shape) != fact.shape:
                raise TaskError(
                    f"task '{self.task.name}' cannot be judged: the shape of its {fact.name} depends on the values of "
                    f"its inputs ({fact.shape} and, on {family} ones, {list(one.shape)})"
                )

    def expect(
        self, inputs: list[Any], parameters: dict[str, torch.Tensor] | None = None
    ) -> list[torch.Tensor]:
        """The reference's outputs, computed in fp64; with other parameters than the present ones, if given."""
        return self.exactly(self._exact, inputs, parameters)

    def exactly(
        self, model: Any, inputs: list[Any], parameters: dict[str, torch.Tensor] | None = None
    ) -> list[torch.Tensor]:
        """The same of another Model, whose parameters are in fp64."""
        with held(self.task, _ANSWERING), in_double():
            return _call(model, [_double(value) for value in inputs], parameters, _double)

    def answer(
        self, inputs: list[Any], parameters: dict[str, torch.Tensor] | None = None
    ) -> list[torch.Tensor]:
        """PyTorch's own outputs in the task's dtype; with other parameters than the present ones, if given."""
        with held(self.task, _ANSWERING):
            return _call(self._model, inputs, parameters, torch.clone)

    def _budget(self, plain: torch.Tensor, exact: torch.Tensor) -> Budget:
        """The larger of a multiple of PyTorch's own error and a floor in units of the RMS.

        Outputs with outliers get a few units in the last place of the largest one besides: no arithmetic in
        the task's dtype does better there, and PyTorch's own error may happen to be smaller.
        """
        if not exact.is_floating_point():
            return exact_budget(self.task.tolerance.eager_factor * differing(plain, exact))
        rms = max(float(exact.square().mean().sqrt()), 1e-300)
        if not on(Defence.BUDGET):
            return Budget(_CUSTOMARY, _CUSTOMARY, rms)
        largest, norm = errors(plain, exact, rms)
        tolerance = self.task.tolerance
        factor, floor = tolerance.eager_factor, tolerance.floor(dtype_name(plain.dtype))
        rounding = _ULPS * torch.finfo(plain.dtype).eps * float(exact.abs().max()) / rms
        return Budget(max(factor * largest, floor, rounding), max(factor * norm, floor / 2), rms)


def judge(case: Case, outputs: list[torch.Tensor]) -> FamilyResult:
    """Whether every output lies within its budget; NaN never does."""
    worst: FamilyResult | None = None
    for out, exact, budget in zip(outputs, case.expected, case.budgets, strict=True):
        result = _judge_one(case.required, out, exact, budget)
        if worst is None or (worst.passed and not result.passed):
            worst = result
    assert worst is not None
    return worst


def _judge_one(required: bool, out: torch.Tensor, exact: torch.Tensor, budget: Budget) -> FamilyResult:
    if not exact.is_floating_point():
        share = differing(out, exact)
        return FamilyResult(
            error=share, budget=budget.largest, passed=share <= budget.largest, required=required
        )
    largest, norm = errors(out, exact, budget.rms)
    passed = largest <= budget.largest and norm <= budget.norm
    # One figure for two bounds: the norm's excess is shown in the largest error's unit.
    figure = max(largest, norm / budget.norm * budget.largest) if largest == largest else None
    return FamilyResult(error=figure, budget=budget.largest, passed=passed, required=required)


def _call(
    model: Any,
    inputs: list[Any],
    parameters: dict[str, torch.Tensor] | None,
    copied: Callable[[torch.Tensor], torch.Tensor],
) -> list[torch.Tensor]:
    with torch.no_grad():
        if parameters is None:
            return _listed(model(*inputs))
        # Copies, since a module may write to its buffers.
        state = {name: copied(tensor) for name, tensor in parameters.items()}
        return _listed(torch.func.functional_call(model, state, tuple(inputs), tie_weights=False))


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def _listed(result: Any) -> list[torch.Tensor]:
    return list(result) if isinstance(result, tuple | list) else [result]
