"""Answers that are none, which a task's check has to refuse.

They are made here, by the judge, from the reference and the inputs alone: no candidate is involved.
Zeros, a constant and a copy of an input are tried as each output by itself, the others taken to be right; initial
parameters and a narrower dtype are tried as the whole answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from ..exchange import dtype_name, dtype_of
from ..protocol import Impostor
from .comparing import apart
from .facts import floating
from .oracle import Case, Oracle, judge

_NARROWER = {
    "float64": torch.float32,
    "float32": torch.float16,
    "float16": torch.bfloat16,
    "bfloat16": torch.float8_e4m3fn,
}
_INITIAL = "the answer with initial parameters"


def impostors(oracle: Oracle) -> list[Impostor]:
    """What the required families say to each; one is tried no further once it was refused."""
    liars = _liars(oracle)
    found = {
        liar.name: Impostor(name=liar.name, refused=None if liar.absent else False, reason=liar.absent)
        for liar in liars
    }
    for family in oracle.required:
        left = [liar for liar in liars if found[liar.name].refused is False]
        case = oracle.case(family) if left else None
        for liar in left if case else []:
            assert case is not None
            found[liar.name] = _worse(found[liar.name], _tried(liar, case))
    return [_excused(impostor, oracle) for impostor in found.values()]


def _worse(before: Impostor, now: Impostor) -> Impostor:
    """Of two verdicts on an impostor that had passed so far: a refusal, or where it passed most easily."""
    return now if now.refused or before.family is None or share(now) < share(before) else before


def share(impostor: Impostor) -> float:
    """Error over budget: above 1 for a refusal, infinite without a finite error."""
    if impostor.error is None or impostor.budget is None:
        return math.inf
    if impostor.budget == 0:
        return math.inf if impostor.error else 0.0
    return impostor.error / impostor.budget


# -- who they are ---------------------------------------------------------------------------------------------


class _Liar(NamedTuple):
    name: str
    make: Callable[[Case], list[torch.Tensor]]
    outputs: slice = slice(None)
    """Which outputs it makes."""
    absent: str | None = None
    """Why it cannot be made."""


def _tried(liar: _Liar, case: Case) -> Impostor:
    part = replace(case, expected=case.expected[liar.outputs], budgets=case.budgets[liar.outputs])
    result = judge(part, liar.make(case))
    return Impostor(
        name=liar.name,
        refused=not result.passed,
        family=case.family,
        error=result.error,
        budget=result.budget,
    )


def _liars(oracle: Oracle) -> list[_Liar]:
    narrow = _NARROWER[oracle.facts.dtype]
    own = any(tensor.is_floating_point() for tensor in oracle.initial.values())
    exact = not any(floating(fact.dtype) for fact in oracle.facts.outputs)
    return [
        *(liar for index in range(len(oracle.facts.outputs)) for liar in _of_one_output(oracle, index)),
        _Liar(
            _INITIAL,
            lambda case: oracle.answer(case.inputs, oracle.initial),
            absent=None if own else "no floating-point parameters",
        ),
        _Liar(
            f"the answer through {dtype_name(narrow)}",
            lambda case: _downgraded(oracle, case, narrow),
            absent="no floating-point outputs" if exact else None,
        ),
    ]


def _of_one_output(oracle: Oracle, index: int) -> Iterator[_Liar]:
    fact = oracle.facts.outputs[index]
    dtype, outputs = dtype_of(fact.dtype), slice(index, index + 1)
    where = f" as {fact.name}" if len(oracle.facts.outputs) > 1 else ""

    def as_output(make: Callable[[Case], torch.Tensor]) -> Callable[[Case], list[torch.Tensor]]:
        return lambda case: [make(case).to(dtype)]

    yield _Liar(f"zeros{where}", as_output(lambda case: torch.zeros_like(case.expected[index])), outputs)
    yield _Liar(f"a constant{where}", as_output(lambda case: _constant(oracle, case, index)), outputs)
    for place, given in enumerate(oracle.facts.inputs):
        if floating(given.dtype):
            name = f"a copy of {given.name}{where}"
            fits = fitted(torch.empty(given.shape, device="meta"), fact.shape) is not None
            absent = None if fits else f"too small to be made {list(fact.shape)}"
            yield _Liar(name, as_output(_copy_of(place, fact.shape)), outputs, absent)


def _copy_of(place: int, shape: list[int]) -> Callable[[Case], torch.Tensor]:
    return lambda case: fitted(case.inputs[place], shape)


def fitted(tensor: torch.Tensor, shape: list[int]) -> Any:
    """The tensor reshaped, expanded or else cropped to that shape; None where it is too small."""
    count = math.prod(shape)
    if tensor.numel() == count:
        return tensor.reshape(shape)
    with suppress(RuntimeError):
        return tensor.expand(shape)
    if tensor.dim() == len(shape) and all(
        has >= wants for has, wants in zip(tensor.shape, shape, strict=True)
    ):
        return tensor[tuple(slice(wants) for wants in shape)]
    return tensor.flatten()[:count].reshape(shape) if tensor.numel() > count else None


def _constant(oracle: Oracle, case: Case, index: int) -> torch.Tensor:
    """The best one: the mean, or the most frequent of values that have to be exact.

    A single value is its own mean: there the constant is what another draw gives.
    """
    known = case.expected[index]
    if known.numel() == 1:
        return oracle.expect(oracle.draw_inputs(case.family))[index]
    best = known.mean() if known.is_floating_point() else known.flatten().long().mode().values
    return torch.full_like(known, best)


def _downgraded(oracle: Oracle, case: Case, narrow: torch.dtype) -> list[torch.Tensor]:
    """Computed in the task's dtype from narrower inputs and parameters, and rounded like them."""
    parameters = {name: _rounded(tensor, narrow) for name, tensor in oracle.parameters.items()}
    outputs = oracle.answer([_rounded(value, narrow) for value in case.inputs], parameters)
    return [_rounded(output, narrow) for output in outputs]


def _rounded(value: Any, narrow: torch.dtype) -> Any:
    """Held within the narrow dtype's range, so that no overflow gives the impostor away."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    limit = min(torch.finfo(narrow).max, torch.finfo(value.dtype).max)
    return value.clamp(-limit, limit).to(narrow).to(value.dtype)


def _excused(impostor: Impostor, oracle: Oracle) -> Impostor:
    """Parameters that change nothing, such as statistics that are only written, need not show."""
    if impostor.name != _INITIAL or impostor.refused is not False or impostor.family is None:
        return impostor
    inputs = oracle.draw_inputs(impostor.family)
    pairs = zip(oracle.expect(inputs, oracle.initial), oracle.expect(inputs), strict=True)
    if any(apart(one, other) for one, other in pairs):
        return impostor
    return Impostor(name=_INITIAL, refused=None, reason="its parameters do not change the answer")
