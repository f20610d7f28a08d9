"""Every decision taken again by today's rules, on what was known when it was taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kernelwright.stages import Stage

from .. import judging
from ..record import Attempt, Decision, Record
from .difference import Comparison, Difference, Tick, text_diff
from .past import before_decision, session_of, terms_of
from .steps import compare_steps


def compare_decisions(record: Record, stages: Mapping[str, Stage], tick: Tick = lambda: None) -> Comparison:
    """Each decision, then the order of attempts and the stages' ends, against today's rules."""
    found = Comparison(kind="decisions")
    for attempt in record.attempts:
        if attempt.decision is not None:
            found.compared += _by_rules(attempt)
            difference = _compare(record, attempt, attempt.decision, stages)
            found.differences += [difference] if difference else []
        tick()
    fork = compare_steps(record, stages)
    found.differences += [fork] if fork else []
    found.steps = len(record.attempts) + len(record.campaign.stage_ends)
    return found


def _by_rules(attempt: Attempt) -> bool:
    """Not so where no reply came: a provider had nothing to propose, or the prompt was set aside."""
    return attempt.kernel_sha is not None or attempt.failure is not None


def _compare(
    record: Record, attempt: Attempt, stored: Decision, stages: Mapping[str, Stage]
) -> Difference | None:
    if attempt.stage is not None and attempt.stage not in stages:
        return Difference(
            attempt=attempt.id,
            what=f"its stage '{attempt.stage}' no longer exists, so nothing can be decided",
        )
    try:
        today = decide_again(record, attempt)
    except (KeyError, ValueError) as problem:
        return Difference(attempt=attempt.id, what=f"it cannot be decided again: {problem}")
    if today == stored:
        return None
    names = f"{attempt.id} as it was decided", f"{attempt.id} as decided today"
    diff = text_diff(_said(stored), _said(today) if today else "to be judged first\n", *names)
    return Difference(attempt=attempt.id, what=_what(stored, today), diff=diff)


def decide_again(record: Record, attempt: Attempt) -> Decision | None:
    """What today's rules say of an attempt; None when they want a verdict that was never asked for.

    Raises ValueError for one that lacks what a decision rests on.
    """
    if not _by_rules(attempt):
        return _without_reply(attempt)
    then = before_decision(record, attempt)
    undecided = then.attempts[-1]
    terms = terms_of(record, attempt)
    session = session_of(record, terms)
    judged = attempt.failure is not None or attempt.evaluation is not None
    unasked = judging.without_evaluation(_unjudged(then), _unjudged(then).attempts[-1])
    if not judged or (unasked is not None and attempt.failure is None):
        return unasked
    if attempt.evaluation and attempt.evaluation.kernel != attempt.kernel_sha:
        raise ValueError("its verdict is on another kernel than its own")
    if session is None:
        raise ValueError("the campaign's session is not in the record")
    return judging.decision(then, session, undecided)


def _without_reply(attempt: Attempt) -> Decision:
    """Whatever the reason was why none came, nothing is kept then."""
    if attempt.reply is not None or attempt.evaluation is not None:
        raise ValueError("it has neither a kernel nor a reason why there is none")
    return Decision(accepted=False, reason=attempt.decision.reason if attempt.decision else "")


def _unjudged(record: Record) -> Record:
    """The record before the last attempt's verdict."""
    *earlier, last = record.attempts
    return record.model_copy(update={"attempts": [*earlier, last.model_copy(update={"evaluation": None})]})


def _said(decision: Decision) -> str:
    lines = [
        f"kept: {'yes' if decision.accepted else 'no'}{', provisionally' if decision.provisional else ''}",
        f"reason: {decision.reason}",
        *(f"broken promise: {promise}" for promise in decision.broken_promises),
    ]
    return "\n".join(lines) + "\n"


def _what(stored: Decision, today: Decision | None) -> str:
    if today is None:
        return "today's rules would have its kernel judged, which was decided on without a verdict"
    if today.accepted != stored.accepted:
        return "it is kept today, and was not" if today.accepted else "it is not kept today, and was"
    if today.provisional != stored.provisional:
        return (
            f"it is kept {'provisionally' if today.provisional else 'for good'} today, as it was not before"
        )
    if today.broken_promises != stored.broken_promises:
        return "it is decided on as before, and other promises count as broken"
    return "it is decided on as before, for another reason"
