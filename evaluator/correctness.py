"""Drives one runner through the families of inputs and compares with the oracle. Card and interpreter alike."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from .calling import Caller
from .defences import Defence
from .evaluation import Correctness, FamilyResult, Status
from .reference.oracle import Case, Oracle, judge
from .runners import Failure

_REPEATS = 2


@dataclass
class Check:
    """What came of it so far."""

    correctness: Correctness = field(default_factory=lambda: Correctness(families={}))
    warnings: list[str] = field(default_factory=list)


def check(oracle: Oracle, caller: Caller, families: list[str], *, seconds: float, into: Check) -> None:
    """Try the families in order. Raises `Failure` at the first required one that fails; ``into`` keeps the rest."""
    for family in families:
        case = oracle.case(family)
        if case is not None:
            _try(caller, case, seconds, into)


def _try(caller: Caller, case: Case, seconds: float, into: Check) -> None:
    try:
        outputs = _outputs(caller, case, seconds)
        result = judge(case, outputs)
    except Failure as failure:
        if case.required or failure.status is Status.TIMEOUT:
            raise
        outputs, result = (
            [],
            FamilyResult(error=None, budget=case.budgets[0].largest, passed=False, required=False),
        )
        into.warnings.append(f"on {case.family} inputs (stress): {failure.reason}")
    previous = into.correctness.families.get(case.family)
    if previous is None or (previous.passed and not result.passed):
        into.correctness.families[case.family] = result
    if not result.passed and case.required:
        raise Failure(Status.INCORRECT, _sentence(case.family, result), _defence(case))
    if not result.passed and not any(case.family in warning for warning in into.warnings):
        into.warnings.append(f"fails the stress family '{case.family}': {_sentence(case.family, result)}")
    if case.family == "nominal" and outputs:
        _repeat(caller, case, outputs, seconds, into)


def _outputs(caller: Caller, case: Case, seconds: float) -> list[torch.Tensor]:
    """One call of the candidate on a case's inputs: private copies of its outputs."""
    return caller.call(case.inputs, seconds, f"computing {case.family} inputs", keep=True).outputs


def _repeat(caller: Caller, case: Case, first: list[torch.Tensor], seconds: float, into: Check) -> None:
    """Bitwise equal on the same inputs, or within the budget every time."""
    same = True
    for _ in range(_REPEATS):
        outputs = _outputs(caller, case, seconds)
        result = judge(case, outputs)
        if not result.passed:
            raise Failure(
                Status.INCORRECT,
                f"a repeated run on the same inputs was wrong: {_figures(result)}",
                Defence.POISON if result.error is None else Defence.BUDGET,
            )
        same = same and all(torch.equal(a, b) for a, b in zip(outputs, first, strict=True))
    into.correctness.deterministic = same


def _defence(case: Case) -> Defence:
    """What refuses a wrong answer: the budget, or that other values than normal ones were tried."""
    return Defence.BUDGET if case.family == "nominal" else Defence.FAMILIES


def _sentence(family: str, result: FamilyResult) -> str:
    return f"wrong on {family} inputs: {_figures(result)}"


def _figures(result: FamilyResult) -> str:
    if result.error is None:
        return f"the output is not finite where the reference is (budget {result.budget:.2g} of the RMS)"
    return f"error {result.error:.2g} of the reference's RMS where {result.budget:.2g} is allowed"
