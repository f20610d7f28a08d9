"""What a failure means at shapes that were guessed: a kernel need only be right at the timed ones.

Odd shapes show what a kernel forgot to mask. One that fails there may still be right where it is timed, on powers of
two and multiples of its tile, so it gets a second chance at shapes that keep those.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from ..correctness import Check
from ..evaluation import Status
from ..reference.oracle import Oracle
from ..reference.shrinking import Guessed, said
from ..runners import Failure

Attempt = Callable[[list[Oracle], Check], None]
"""Checks the candidate at those shapes, with all families of inputs at the first; raises `Failure`."""

_WRONG = (Status.INCORRECT, Status.REJECTED)
_GUESSED = "guessed from the file's constants"


@dataclass
class _Tried:
    """How a candidate did at one or more sets of shapes."""

    at: str
    check: Check = field(default_factory=Check)
    failure: Failure | None = None


def check_guessed(guessed: Guessed, source: str, attempt: Attempt, into: Check) -> None:
    """Passes what is right at the ragged shapes, or at any of the fair ones; raises `Failure` for all else.

    A failure counts when the kernel ran, at fair shapes, and spells out none of the sizes that were replaced there.
    Otherwise the kernel is unchecked.
    """
    tried = _settled(guessed, source, attempt)
    into.correctness, into.warnings = tried.check.correctness, tried.check.warnings
    if tried.failure is not None:
        raise tried.failure


def _settled(guessed: Guessed, source: str, attempt: Attempt) -> _Tried:
    ragged = _try(attempt, guessed.small)
    if ragged.failure is None:
        ragged.check.warnings.append(f"checked at shapes {_GUESSED}: {ragged.at}")
        return ragged
    if ragged.failure.status in (Status.UNCHECKED, Status.TIMEOUT):
        return _unchecked(ragged, ragged.failure)
    passed, wrong = _at_fair_shapes(guessed, source, attempt, every=_right_when_short(guessed, attempt))
    if passed is not None:
        passed.check.warnings.append(_narrow(ragged.failure, ragged.at, passed.at))
    return passed or wrong or _unchecked(ragged, ragged.failure)


def _right_when_short(guessed: Guessed, attempt: Attempt) -> bool:
    """Whether the other ragged shapes suit it, which are short: then only length can be what the first lacks."""
    short = guessed.small[1:]
    return bool(short) and all(_try(attempt, [oracle]).failure is None for oracle in short)


def _at_fair_shapes(
    guessed: Guessed, source: str, attempt: Attempt, every: bool
) -> tuple[_Tried | None, _Tried | None]:
    """The first fair shapes at which it is right, and the first at which a failure counts; one of both is None.

    It need be right at one of them only, unless ``every``: no tile excuses what is wrong for being long.
    """
    passed, wrong = None, None
    for oracle in guessed.fair:
        fair = _try(attempt, [oracle])
        if fair.failure is None:
            passed = passed or fair
        elif fair.failure.status in _WRONG and not _literals(source) & guessed.lost(oracle):
            wrong = wrong or _refused(fair, fair.failure)
        if wrong and every:
            return None, wrong
        if passed and not every:
            return passed, None
    return (passed, None) if passed else (None, wrong)


def _try(attempt: Attempt, oracles: list[Oracle]) -> _Tried:
    tried = _Tried(said(*oracles))
    try:
        attempt(oracles, tried.check)
    except Failure as failure:
        tried.failure = failure
    return tried


def _narrow(failure: Failure, ragged: str, fair: str) -> str:
    return (
        f"checked only at {fair}, {_GUESSED}: it failed at {ragged} ({failure.reason}), so it seems to need"
        " powers of two or multiples of its tile"
    )


def _refused(tried: _Tried, failure: Failure) -> _Tried:
    reason = f"{failure.reason} (at {tried.at}, {_GUESSED})"
    return _Tried(tried.at, tried.check, Failure(failure.status, reason, failure.defence))


def _unchecked(tried: _Tried, failure: Failure) -> _Tried:
    """It runs at no guess, or may rely on the sizes that guesses replace: that says nothing of the timed shapes."""
    if failure.status is Status.UNCHECKED:
        return tried
    reason = (
        f"no shapes {_GUESSED} suit it ({failure.reason}, at {tried.at}): write a task folder with small shapes"
        " that do (docs/tasks.md)"
    )
    return _Tried(tried.at, failure=Failure(Status.UNCHECKED, reason))


def _literals(source: str) -> set[int]:
    """Integers from 2 on that a source spells out."""
    values = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {value for value in values if type(value) is int and value > 1}
