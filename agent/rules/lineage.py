"""Who descends from whom: the best, the baseline, failures, twins, and what a card has still to decide."""

from __future__ import annotations

from kernelwright.evaluator.evaluation import Status

from ..record import Attempt, AttemptKind, Record

GOOD = (Status.PASSED, Status.UNCHECKED)


FIRST_KERNEL = "first_kernel"
"""The stage that makes a kernel from the PyTorch reference alone."""

SET_ASIDE = "set aside: its prompt was made from estimates, and a card measures first"
"""Why an attempt without a reply was given up when its campaign was carried to a card."""


def plan(record: Record) -> list[str]:
    """The campaign's stages in order; without a seed, `FIRST_KERNEL` comes before."""
    stages = record.campaign.settings.stages
    return list(dict.fromkeys(stages if record.campaign.settings.seed else [FIRST_KERNEL, *stages]))


def best(record: Record, provenance: str | None = None) -> Attempt | None:
    """The latest accepted attempt judged with that provenance, by default that of the campaign's device."""
    wanted = provenance or _provenance(record)
    for attempt in reversed(record.attempts):
        accepted = attempt.decision is not None and attempt.decision.accepted
        if accepted and attempt.evaluation is not None and attempt.evaluation.provenance == wanted:
            return attempt
    return None


def baseline(record: Record) -> Attempt | None:
    """What the campaign started from: its seed, else the first kernel that was accepted."""
    if record.attempts and record.attempts[0].kind is AttemptKind.SEED:
        return record.attempts[0]
    return next((a for a in record.attempts if a.decision and a.decision.accepted), None)


def eager_ms(record: Record) -> float | None:
    """PyTorch eager's measured time, from the latest kernel that was timed against it; None offline."""
    for attempt in reversed(record.attempts):
        timing = attempt.evaluation.timing if attempt.evaluation else None
        if timing is not None and timing.baseline == "eager":
            return timing.baseline_ms
    return None


def failed(attempt: Attempt) -> bool:
    """Whether the attempt has something to mend: no kernel in its reply, or a kernel that did not pass."""
    if attempt.failure is not None:
        return True
    return attempt.evaluation is not None and attempt.evaluation.status not in GOOD


def is_twin_of(record: Record, attempt: Attempt) -> Attempt | None:
    """An earlier attempt with the same kernel, judged on the same kind of device; None for a new kernel."""
    for other in record.attempts[: attempt.number]:
        judged = other.evaluation is not None and other.evaluation.provenance == _provenance(record)
        if judged and other.kernel_sha == attempt.kernel_sha:
            return other
    return None


def has_estimates_to_decide(record: Record) -> bool:
    """Whether the campaign was carried to a card that has not yet measured what it was given."""
    return record.campaign.settings.remeasure is not None and bool(to_measure(record))


def awaits_card(record: Record, attempt: Attempt) -> bool:
    """Whether a new kernel waits its turn, because the best before it has yet to be measured."""
    return attempt.kind is not AttemptKind.REMEASURE and has_estimates_to_decide(record)


def to_measure(record: Record) -> list[Attempt]:
    """Offline attempts that the card has still to measure, in order.

    The baseline first; then the provisional best, the other finds by their estimates, and kernels
    without a verdict, the campaign's number of them in all. Kernels whose reply came while the campaign
    was being carried over are measured whatever their number.
    """
    start = baseline(record)
    if _provenance(record) != "measured":
        return []
    measured = _measured(record)
    queue = _distinct([*([start] if start else []), *_finds(record, start), *_unjudged(record)])
    return [attempt for attempt in queue if attempt.kernel_sha not in measured]


def _finds(record: Record, start: Attempt | None) -> list[Attempt]:
    """The provisional best, then what else beat the baseline's estimate, then what got no verdict."""
    known = start.kernel_sha if start else None
    offline = [a for a in record.attempts if _estimated(a) and not failed(a) and a.kernel_sha != known]
    top = [a for a in offline if a.decision and a.decision.accepted][-1:]
    limit = _ms(start) if start else float("inf")
    passed = [a for a in offline if _status(a) is Status.PASSED and _ms(a) < limit]
    unchecked = [a for a in offline if _status(a) is Status.UNCHECKED]
    ranked = _distinct([*top, *sorted(passed, key=_ms), *sorted(unchecked, key=_ms)])
    return ranked[: record.campaign.settings.remeasure or 0]


def _unjudged(record: Record) -> list[Attempt]:
    return [
        a
        for a in record.attempts
        if a.done and a.kernel_sha and a.evaluation is None and _judged_twin(record, a) is None
    ]


def _judged_twin(record: Record, attempt: Attempt) -> Attempt | None:
    """An attempt, earlier or later, that settles what there is to know of this kernel offline."""
    return next(
        (
            a
            for a in record.attempts
            if a.kernel_sha == attempt.kernel_sha and _estimated(a) and a is not attempt
        ),
        None,
    )


def _measured(record: Record) -> set[str | None]:
    return {a.kernel_sha for a in record.attempts if a.evaluation and a.evaluation.provenance == "measured"}


def _distinct(attempts: list[Attempt]) -> list[Attempt]:
    return list({a.kernel_sha: a for a in reversed(attempts)}.values())[::-1]


def _provenance(record: Record) -> str:
    return "measured" if record.campaign.settings.device == "cuda" else "estimated"


def _estimated(attempt: Attempt) -> bool:
    return attempt.evaluation is not None and attempt.evaluation.provenance == "estimated"


def _status(attempt: Attempt) -> Status | None:
    return attempt.evaluation.status if attempt.evaluation else None


def _ms(attempt: Attempt) -> float:
    ms = attempt.evaluation.ms if attempt.evaluation else None
    return float("inf") if ms is None else ms
