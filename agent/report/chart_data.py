"""What the gain chart shows of a campaign: its marks, steps, reference lines and bands. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeGuard

from kernelwright.evaluator.evaluation import Evaluation

from ..record import Attempt, AttemptKind, Record
from ..rules import eager_ms, failed
from ..views.lineage import names, outcome, state, where
from ..views.text import milliseconds, one_line, speedup, time_of
from ..views.timing import spread

REMEASURED = "remeasured"
"""Name of the band of offline finds that a card measured."""


@dataclass(frozen=True)
class Mark:
    """One attempt; `ms` is None for one without a time."""

    place: int
    """Position among the attempts, from 0."""
    attempt: str
    ms: float | None
    low: float | None
    """Lower end of the 95 % interval, or of the estimate's range; None where there is none."""
    high: float | None
    estimated: bool
    kept: bool
    failed: bool
    title: str


@dataclass(frozen=True)
class Reference:
    """A time to compare with, drawn across the whole chart."""

    kind: Literal["pytorch", "floor", "best"]
    name: str
    ms: float
    title: str


@dataclass(frozen=True)
class Band:
    """Successive attempts of one stage, both ends included."""

    first: int
    last: int
    name: str
    title: str


def positive(value: float | None) -> TypeGuard[float]:
    """Whether a chart has a place for the value; imported files may hold NaN or worse."""
    return value is not None and 1e-12 < value < 1e12  # which NaN is not


def marks(record: Record) -> list[Mark]:
    """One mark for each attempt, in order."""
    called = names(record)
    return [_mark(place, attempt, called) for place, attempt in enumerate(record.attempts)]


def _mark(place: int, attempt: Attempt, called: dict[str, str]) -> Mark:
    evaluation = attempt.evaluation
    ms = evaluation.ms if evaluation and positive(evaluation.ms) else None
    low, high = _interval(evaluation) if evaluation and ms else (None, None)
    return Mark(
        place=place,
        attempt=attempt.id,
        ms=ms,
        low=low,
        high=high,
        estimated=bool(evaluation and evaluation.provenance == "estimated"),
        kept=bool(attempt.decision and attempt.decision.accepted),
        failed=failed(attempt),
        title=one_line(_title(attempt, called), 200),
    )


def _interval(evaluation: Evaluation) -> tuple[float, float] | tuple[None, None]:
    """An estimate's range; of a measurement, the 95 % interval of its time that the tree shows beside it."""
    ends = evaluation.estimate.range_ms if evaluation.estimate else None
    if evaluation.timing:
        ends = spread(evaluation.timing)
    return ends if ends and all(map(positive, ends)) else (None, None)


def _title(attempt: Attempt, called: dict[str, str]) -> str:
    evaluation = attempt.evaluation
    parts = [f"{attempt.id}, {where(attempt)}", state(attempt)]
    if evaluation and evaluation.ms is not None:
        parts.append(time_of(evaluation))
    if evaluation and evaluation.timing:
        parts.append(speedup(evaluation.timing, called))
    return "; ".join([*parts, outcome(attempt)])


def steps(found: Iterable[Mark], estimated: bool) -> list[Mark]:
    """The kept marks of one provenance, in order: each is the best until the next."""
    return [mark for mark in found if mark.kept and mark.ms and mark.estimated == estimated]


def bands(record: Record) -> list[Band]:
    """Runs of attempts with one stage; the seed, which has none, is a band of its own."""
    ends = {end.stage: f"{end.stage} {end.outcome}: {end.reason}" for end in record.campaign.stage_ends}
    found = []
    for name, run in groupby(enumerate(record.attempts), key=lambda pair: _band_name(pair[1])):
        places = [place for place, _ in run]
        found.append(Band(places[0], places[-1], one_line(name, 40), one_line(ends.get(name, name))))
    return found


def _band_name(attempt: Attempt) -> str:
    return REMEASURED if attempt.kind is AttemptKind.REMEASURE else attempt.stage or attempt.kind.value


def references(record: Record, provenances: set[str]) -> list[Reference]:
    """Eager, torch.compile and the floors that go with the times shown, where they are known."""
    return [line for line in (*_pytorch(record), *_floors(record, provenances)) if positive(line.ms)]


def _pytorch(record: Record) -> Iterator[Reference]:
    final = {s.name: s.median_ms for s in record.campaign.standings if s.median_ms is not None}
    eager, compiled = final.get("eager"), final.get("compile")
    if eager is not None:
        yield Reference(
            "pytorch", "eager", eager, f"PyTorch eager in the final head-to-head: {milliseconds(eager)}"
        )
    elif (earlier := eager_ms(record)) is not None:
        yield Reference(
            "pytorch", "eager", earlier, f"PyTorch eager beside the seed: {milliseconds(earlier)}"
        )
    if compiled is not None:
        said = f"torch.compile in the final head-to-head: {milliseconds(compiled)}"
        yield Reference("pytorch", "torch.compile", compiled, said)


def _floors(record: Record, provenances: set[str]) -> Iterator[Reference]:
    session = record.campaign.session
    if session is None:
        return
    device, target = session.floor_ms.device, session.floor_ms.target
    if "measured" in provenances and device is not None:
        yield _floor(device, session.device)
        if device == target:
            return
    if "estimated" in provenances or device is None:
        yield _floor(target, session.target)


def _floor(ms: float, card: str) -> Reference:
    what = f"The least time that the task's bytes and operations take on the {card}: {milliseconds(ms)}"
    return Reference("floor", f"floor, {one_line(card.removeprefix('NVIDIA '), 10)}", ms, one_line(what))
