"""What a record from a stranger's file must be, beyond its fields' types, so that nothing trips over it later. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from kernelwright.evaluator.evaluation import Evaluation, Floor, Status

from ..record import Attempt, Campaign, Record
from ..views.text import one_line
from .format import PortableError, texts_named

CAMPAIGN_ID = re.compile(r"[a-z][a-z0-9]{3,5}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,79}")
"""Stages, templates, cards, providers: what the terminal shows and commands take."""
SHA = re.compile(r"[0-9a-f]{64}")
_GOOD = (Status.PASSED, Status.UNCHECKED)


def check_sound(record: Record, texts: Mapping[str, str]) -> None:
    """Raise `PortableError` with the first thing that does not fit the rest."""
    _check_id(record.campaign.id)
    _check_dates(record)
    _check_names(record)
    _check_order(record)
    _check_texts(record, texts)
    _check_verdicts(record)
    _check_times(record)


def shown(value: object) -> str:
    """A stranger's value in quotes, short and on one line."""
    return f"'{one_line(str(value), 60)}'"


def _check_id(name: str) -> None:
    if not CAMPAIGN_ID.fullmatch(name):
        raise PortableError(f"the campaign's id {shown(name)} is none: it has four to six letters and digits")


def _check_dates(record: Record) -> None:
    items: list[Campaign | Attempt] = [record.campaign, *record.attempts]
    for item in items:
        if item.created.utcoffset() != timedelta(0) or not 1970 <= item.created.year <= 9000:
            raise PortableError(f"{shown(item.id)} was made at no time of this world: {shown(item.created)}")


def _check_names(record: Record) -> None:
    for where, name, form in _names(record):
        if name is not None and not form.fullmatch(name):
            raise PortableError(f"{where} is no name: {shown(name)}")


def _names(record: Record) -> Iterator[tuple[str, str | None, re.Pattern[str]]]:
    campaign, settings = record.campaign, record.campaign.settings
    yield "campaign.settings.target", settings.target, NAME
    yield "campaign.settings.provider", settings.provider, NAME
    yield "campaign.settings.replay_campaign", settings.replay_campaign, CAMPAIGN_ID
    yield from (("campaign.settings.stages", name, NAME) for name in settings.stages)
    yield from (("campaign.stage_ends", end.stage, NAME) for end in campaign.stage_ends)
    yield "campaign.session.target", campaign.session.target if campaign.session else None, NAME
    for attempt in record.attempts:
        yield from _names_of(attempt)


def _names_of(attempt: Attempt) -> Iterator[tuple[str, str | None, re.Pattern[str]]]:
    yield f"{shown(attempt.id)}.stage", attempt.stage, NAME
    yield f"{shown(attempt.id)}.template", attempt.template, NAME
    yield f"{shown(attempt.id)}.template_sha", attempt.template_sha, SHA
    if attempt.evaluation:
        yield f"{shown(attempt.id)}.evaluation.target", attempt.evaluation.target, NAME
        yield f"{shown(attempt.id)}.evaluation.kernel", attempt.evaluation.kernel, NAME
    if attempt.brief:
        yield f"{shown(attempt.id)}.brief.template", attempt.brief.template, NAME
        yield f"{shown(attempt.id)}.brief.stage", attempt.brief.stage.name, NAME


def _check_order(record: Record) -> None:
    """Attempts are numbered from 0, and each descends from, and mends, an earlier one."""
    campaign, earlier = record.campaign.id, set[str]()
    for number, attempt in enumerate(record.attempts):
        if (attempt.id, attempt.campaign, attempt.number) != (f"{campaign}.{number}", campaign, number):
            raise PortableError(f"attempt {shown(attempt.id)} stands where {campaign}.{number} belongs")
        for relation, other in (("descends from", attempt.parent), ("mends", attempt.mends)):
            if other is not None and other not in earlier:
                raise PortableError(
                    f"attempt {attempt.id} {relation} {shown(other)}, which is no earlier one"
                )
        earlier.add(attempt.id)


def _check_verdicts(record: Record) -> None:
    """A verdict is on its attempt's own kernel, and nothing is kept without a good one."""
    for attempt in record.attempts:
        evaluation, decision = attempt.evaluation, attempt.decision
        if evaluation and evaluation.kernel != attempt.kernel_sha:
            raise PortableError(f"the verdict of attempt {attempt.id} is on another kernel than its own")
        if decision and decision.accepted and (evaluation is None or evaluation.status not in _GOOD):
            raise PortableError(f"attempt {attempt.id} is kept without a verdict that would allow it")
    if record.campaign.settings.recorded and record.campaign.settings.replay_campaign is None:
        raise PortableError("the campaign has the verdicts of another one and does not say of which")


def _check_texts(record: Record, texts: Mapping[str, str]) -> None:
    named = texts_named(record)
    for sha, what in named.items():
        if sha not in texts:
            raise PortableError(f"{what} is not in the file: text {shown(sha)} is missing")
    surplus = next((sha for sha in texts if sha not in named), None)
    if surplus is not None:
        raise PortableError(f"text {shown(surplus)} belongs to nothing in the file")


def _check_times(record: Record) -> None:
    """Views and rules divide by them."""
    for where, value in _times(record):
        if not 0 < value < float("inf"):
            raise PortableError(f"{where} is no time and no ratio of times: {value!r}")


def _times(record: Record) -> Iterator[tuple[str, float]]:
    campaign = record.campaign
    for standing in campaign.standings:
        known = (standing.median_ms, standing.speedup, *(standing.speedup_ci95 or ()))
        yield from (("campaign.standings", value) for value in known if value is not None)
    if campaign.session:
        yield from (("campaign.session.floor_ms", ms) for ms in _floor(campaign.session.floor_ms))
    for attempt in record.attempts:
        if attempt.evaluation:
            yield from ((f"{attempt.id}.evaluation", value) for value in _times_of(attempt.evaluation))


def _times_of(evaluation: Evaluation) -> Iterator[float]:
    timing, estimate, floor = evaluation.timing, evaluation.estimate, evaluation.floor_ms
    if timing:
        yield from (timing.median_ms, timing.baseline_ms, timing.speedup, *timing.speedup_ci95)
        yield from (ms for pair in timing.samples for ms in pair)
    if estimate:
        yield from (estimate.ms, *estimate.range_ms)
    if floor:
        yield from _floor(floor)


def _floor(floor: Floor) -> list[float]:
    return [ms for ms in (floor.device, floor.target) if ms is not None]
