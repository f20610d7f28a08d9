"""A kernel taken again from every stored reply. Pure but for reading the stored texts."""

from __future__ import annotations

from collections.abc import Mapping

from kernelwright.evaluator.phases import sha256_of

from ..record import Attempt, Failure, Record, Reply
from ..replies import extract
from ..store import StoreError
from .difference import Comparison, Difference, Tick, text_diff
from .prompts import NO_DAMAGE, Text


def compare_replies(
    record: Record, text: Text, damaged: Mapping[str, str] = NO_DAMAGE, tick: Tick = lambda: None
) -> Comparison:
    """Each reply's kernel or failure against what is extracted today.

    ``damaged`` says, by attempt, what is wrong with a reply that cannot be read any more.
    """
    found = Comparison(kind="replies")
    for attempt in record.attempts:
        if attempt.reply and (attempt.kernel_sha or attempt.failure or attempt.done):
            found.compared += 1
            what = damaged.get(attempt.id)
            lost = Difference(attempt=attempt.id, what=what) if what else None
            difference = lost or _compare(attempt, attempt.reply, text)
            found.differences += [difference] if difference else []
        tick()
    return found


def _compare(attempt: Attempt, reply: Reply, text: Text) -> Difference | None:
    if attempt.kernel_sha is None and attempt.failure is None:
        return Difference(attempt=attempt.id, what="it was decided on, and nothing was taken from its reply")
    today = extract(reply.text, reply.finish_reason)
    try:
        stored = attempt.failure or text(attempt.kernel_sha or "")
    except StoreError as problem:
        return Difference(attempt=attempt.id, what=f"its kernel cannot be read: {problem}")
    if isinstance(today, Failure) and isinstance(stored, Failure):
        same = today == stored
    else:
        same = isinstance(today, str) and sha256_of(today) == attempt.kernel_sha
    if same:
        return None
    names = f"{attempt.id} as it was extracted", f"{attempt.id} as extracted today"
    return Difference(
        attempt=attempt.id, what=_what(stored, today), diff=text_diff(_said(stored), _said(today), *names)
    )


def _what(stored: str | Failure, today: str | Failure) -> str:
    match stored, today:
        case Failure(), Failure():
            return "no kernel is found in its reply, as before, and another reason is given"
        case Failure(), _:
            return f"a kernel is found in its reply, which held none ({stored.kind.value})"
        case _, Failure():
            return f"no kernel is found in its reply any more ({today.kind.value})"
    return "another kernel is taken from its reply"


def _said(found: str | Failure) -> str:
    return f"{found.kind.value}: {found.reason}\n" if isinstance(found, Failure) else found
