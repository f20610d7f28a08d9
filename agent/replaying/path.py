"""Two campaigns side by side, attempt by attempt: whether one went the way of the other. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from ..record import Attempt, CampaignStatus, Record
from ..views.lineage import state, where
from ..views.text import one_line, plural


def neutral(text: str, *campaigns: str) -> str:
    """The text with ``attempt 3`` for ``abcd.3`` of any of the campaigns."""
    names = "|".join(re.escape(name) for name in campaigns)
    return re.sub(rf"\b(?:{names})\.(\d+)\b", r"attempt \1", text)


@dataclass(frozen=True)
class Parting:
    """The first place at which two campaigns are not alike."""

    number: int
    """Of the attempt, in both."""
    what: str
    """One sentence."""


def parting(record: Record, again: Record) -> Parting | None:
    """Where ``again`` first did otherwise than ``record``, as far as both go; None when it did not.

    Verdicts of its own have figures of their own: then only what was kept and what was not counts.
    """
    ids = record.campaign.id, again.campaign.id
    decided = _decision if again.campaign.settings.recorded else _kept
    for then, now in zip(record.attempts, again.attempts, strict=False):
        for what, said in (*_ASPECTS, ("the decision is another", decided)):
            before, after = (neutral(said(attempt), *ids) for attempt in (then, now))
            if before != after and (now.done or said is _begun):
                return Parting(
                    then.number, f"{what} there: '{_short(before)}' in {ids[0]}, '{_short(after)}' now"
                )
    return None


def _short(text: str) -> str:
    return one_line(text, 300) or "nothing"


def _begun(attempt: Attempt) -> str:
    relatives = [
        f"{word} {name}" for word, name in (("from", attempt.parent), ("to mend", attempt.mends)) if name
    ]
    sample = f"sample {attempt.sample}" if attempt.sample else ""
    return ", ".join(filter(None, [where(attempt), sample, *relatives]))


def _kernel(attempt: Attempt) -> str:
    if attempt.failure:
        return f"none, {attempt.failure.kind.value}: {attempt.failure.reason}"
    return attempt.kernel_sha[:10] if attempt.kernel_sha else ""


def _kept(attempt: Attempt) -> str:
    if attempt.decision is None:
        return ""
    kept = "kept" if attempt.decision.accepted else "not kept"
    return f"{kept} provisionally" if attempt.decision.provisional else kept


def _decision(attempt: Attempt) -> str:
    if attempt.decision is None:
        return ""
    return "; ".join([f"{_kept(attempt)}: {attempt.decision.reason}", *attempt.decision.broken_promises])


_ASPECTS: tuple[tuple[str, Callable[[Attempt], str]], ...] = (
    ("another attempt was begun", _begun),
    ("the kernel is another", _kernel),
    ("the verdict is another", state),
)


def other_prompts(
    record: Record, again: Record, text: Callable[[str], str], then: Callable[[str], str]
) -> int:
    """How many attempts were asked other bytes; ``then`` and ``text`` give the prompts of the two campaigns."""
    ids = record.campaign.id, again.campaign.id
    pairs = zip(record.attempts, again.attempts, strict=False)
    asked = [(a.prompt_sha, b.prompt_sha) for a, b in pairs if a.prompt_sha and b.prompt_sha]
    return sum(1 for a, b in asked if a != b and neutral(then(a), *ids) != neutral(text(b), *ids))


def _other_end(record: Record, again: Record) -> str | None:
    """How the stages of two finished campaigns ended otherwise."""
    if CampaignStatus.FINISHED not in {record.campaign.status} & {again.campaign.status}:
        return None
    exact = again.campaign.settings.recorded
    then, now = (
        [
            f"{end.stage} {end.outcome}" + (f": {neutral(end.reason, each.campaign.id)}" if exact else "")
            for end in each.campaign.stage_ends
        ]
        for each in (record, again)
    )
    other = next(
        (pair for pair in zip_longest(then, now, fillvalue="no other stage") if pair[0] != pair[1]), None
    )
    return f"another end of a stage: {_short(other[0])} then, {_short(other[1])} now" if other else None


def parted(record: Record, again: Record) -> bool:
    """Whether ``again`` did anything otherwise, as far as both go."""
    return parting(record, again) is not None or _other_end(record, again) is not None


def compared(record: Record, again: Record) -> str:
    """One sentence: the same path, or where the two part."""
    name, found = record.campaign.id, parting(record, again)
    if found is not None:
        return f"parted from {name} at attempt {found.number}: {found.what}"
    missing = len(record.attempts) - len(again.attempts)
    if not missing and (ends := _other_end(record, again)):
        return f"same attempts as {name}, and {ends}"
    if missing:
        longer = f"{name} has {plural(missing, 'attempt')} more" if missing > 0 else f"{name} ends there"
        return f"same path as {name} for {plural(min(len(record.attempts), len(again.attempts)), 'attempt')}; {longer}"
    return f"same path as {name}: {plural(len(again.attempts), 'attempt')}, same kernels, same decisions"
