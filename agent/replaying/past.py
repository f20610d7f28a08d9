"""The record as it was when an attempt was decided: what stood before it, and under which terms. Pure."""

from __future__ import annotations

from kernelwright.evaluator.protocol import Session

from ..judging import DEFERRED
from ..record import Attempt, AttemptKind, Budget, Record, Terms
from ..rules import SET_ASIDE


def terms_of(record: Record, attempt: Attempt) -> Terms:
    """What the attempt was decided under.

    Records from before this was kept know the latest session and settings only; where they were carried to a
    card, the attempts themselves tell on which side of the move they stand.
    """
    if attempt.terms is not None:
        return attempt.terms
    device = "offline" if attempt.number < moved_at(record) else record.campaign.settings.device
    return latest_terms(record).model_copy(update={"device": device})


def latest_terms(record: Record) -> Terms:
    """What the campaign's next attempt would be decided under."""
    campaign = record.campaign
    noise_floor = campaign.session.noise_floor if campaign.session else None
    return Terms(device=campaign.settings.device, noise_floor=noise_floor, rounds=campaign.settings.rounds)


def terms_around(record: Record, place: int) -> list[Terms]:
    """What the step that made the attempt of that number, or ended a stage before it, may have gone by.

    A resume can change terms between any two steps, and only attempts keep them: those on both sides, and the
    latest. Where an attempt has kept none, an earlier number of rounds is not known: the stages' own and the
    largest that the record shows are tried too.
    """
    beside = record.attempts[max(place - 1, 0) : place + 1]
    found = [terms_of(record, attempt) for attempt in beside] + [latest_terms(record)]
    if any(attempt.terms is None for attempt in beside):
        seen = max((attempt.round for attempt in record.attempts), default=0) or None
        found += [terms.model_copy(update={"rounds": rounds}) for rounds in (None, seen) for terms in found]
    return [terms for number, terms in enumerate(found) if terms not in found[:number]]


def moved_at(record: Record) -> int:
    """Number of the first attempt that was decided after the campaign was carried to a card; 0: it never was."""
    if record.campaign.settings.remeasure is None:
        return 0
    return next((a.number for a in record.attempts if _after_the_move(a)), len(record.attempts))


def _after_the_move(attempt: Attempt) -> bool:
    if attempt.terms is not None:
        return attempt.terms.device == "cuda"
    reason = attempt.decision.reason if attempt.decision else None
    measured = attempt.evaluation is not None and attempt.evaluation.provenance == "measured"
    return measured or attempt.kind is AttemptKind.REMEASURE or reason in (DEFERRED, SET_ASIDE)


def under(record: Record, terms: Terms) -> Record:
    """The same attempts under those terms, and without a budget, which decides nothing but pauses."""
    settings = record.campaign.settings
    changes = {
        "device": terms.device,
        "rounds": terms.rounds,
        "remeasure": settings.remeasure if terms.device == "cuda" else None,
    }
    campaign = record.campaign.model_copy(
        update={"settings": settings.model_copy(update=changes), "budget": Budget()}
    )
    return record.model_copy(update={"campaign": campaign})


def before_decision(record: Record, attempt: Attempt) -> Record:
    """The record when all but the decision on that attempt was stored."""
    undecided = attempt.model_copy(update={"decision": None, "terms": None})
    cut = record.model_copy(update={"attempts": [*record.attempts[: attempt.number], undecided]})
    return under(cut, terms_of(record, attempt))


def session_of(record: Record, terms: Terms) -> Session | None:
    """The session with the noise floor of that time; None when the campaign never opened one."""
    session = record.campaign.session
    return session and session.model_copy(update={"noise_floor": terms.noise_floor})
