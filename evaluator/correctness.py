"""Drives one runner through the families of inputs and compares with the oracle. Card and interpreter alike."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from .bench import Bench, synchronize
from .evaluation import Correctness, FamilyResult, Status
from .oracle import Case, Oracle, judge
from .runners import Failure, Runner

_REPEATS = 2


@dataclass
class Check:
    """What came of it so far."""

    correctness: Correctness = field(default_factory=lambda: Correctness(families={}))
    warnings: list[str] = field(default_factory=list)


def check(
    oracle: Oracle, bench: Bench, runner: Runner, families: list[str], *, seconds: float, into: Check
) -> None:
    """Try the families in order. Raises `Failure` at the first required one that fails; ``into`` keeps the rest."""
    for family in families:
        case = oracle.case(family)
        if case is None:
            continue
        _try(oracle, bench, runner, case, seconds, into)


def _try(oracle: Oracle, bench: Bench, runner: Runner, case: Case, seconds: float, into: Check) -> None:
    try:
        outputs = call(oracle, bench, runner, case, seconds)
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
        raise Failure(Status.INCORRECT, _sentence(case.family, result))
    if not result.passed and not any(case.family in warning for warning in into.warnings):
        into.warnings.append(f"fails the stress family '{case.family}': {_sentence(case.family, result)}")
    if case.family == "nominal" and outputs:
        _repeat(oracle, bench, runner, case, outputs, seconds, into)


def call(oracle: Oracle, bench: Bench, runner: Runner, case: Case, seconds: float) -> list[torch.Tensor]:
    """One call of the candidate on a case's inputs: private copies of its outputs."""
    handed = bench.write_inputs(case.inputs)
    bench.poison()
    synchronize(oracle.device)
    runner.ask("forward", seconds, f"computing {case.family} inputs", inputs=handed, outputs=bench.outputs[0])
    if not bench.inputs_unchanged(case.inputs):
        raise Failure(Status.REJECTED, "forward changed its inputs")
    return bench.read_outputs()


def _repeat(
    oracle: Oracle,
    bench: Bench,
    runner: Runner,
    case: Case,
    first: list[torch.Tensor],
    seconds: float,
    into: Check,
) -> None:
    """Bitwise equal on the same inputs, or within the budget every time."""
    same = True
    for _ in range(_REPEATS):
        outputs = call(oracle, bench, runner, case, seconds)
        result = judge(case, outputs)
        if not result.passed:
            raise Failure(
                Status.INCORRECT, f"a repeated run on the same inputs was wrong: {_figures(result)}"
            )
        same = same and all(torch.equal(a, b) for a, b in zip(outputs, first, strict=True))
    into.correctness.deterministic = same


def _sentence(family: str, result: FamilyResult) -> str:
    return f"wrong on {family} inputs: {_figures(result)}"


def _figures(result: FamilyResult) -> str:
    if result.error is None:
        return f"the output is not finite where the reference is (budget {result.budget:.2g} of the RMS)"
    return f"error {result.error:.2g} of the reference's RMS where {result.budget:.2g} is allowed"
