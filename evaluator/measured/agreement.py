"""What has to agree with the times that a runner reports: the judge's clock, the trace, the floor, ncu. Pure.

Each raises `Failure` with its own name where it does not.
"""

from __future__ import annotations

from statistics import median

from ..defences import Defence, on
from ..evaluation import Status, Timing
from ..evidence_rule import EVIDENCE_SHARE, too_little_triton
from ..runners import Failure
from ..statistics import surely_above
from .timing import Process

_CLOCK_BLIND_MS = 0.25
"""Per call: what the judge's clock may miss of a gain, whatever the pairs say: it also sees Python, the driver's
change from process to process, and what the processor does meanwhile."""
_CLOCK_SLACK_MS = 0.05
"""The same, once enough pairs agree."""
_CLOCK_SHARE = 0.1
_TRACE_SHARE = 0.6
"""Tracing has a price of its own: a kernel that only reads took 1.42 times as long even in the shortest of three."""
_PROFILER_SHARE = 0.6
"""ncu starts every kernel with cold caches, so a pipeline may take longer under it."""
_SLOWED = 1.05


def clock(claims: list[tuple[float, float]]) -> None:
    """A gain that the runners' events claim must show on the judge's own clock; per pair (claimed, seen), in ms."""
    missing = [claimed - seen for claimed, seen in claims]
    claimed = median(claimed for claimed, _ in claims)
    if claimed <= 0 or not on(Defence.CLOCK):
        return
    share = _CLOCK_SHARE * claimed
    lies = median(missing) > _CLOCK_BLIND_MS + share or surely_above(missing) > _CLOCK_SLACK_MS + share
    if lies:
        raise Failure(
            Status.REJECTED,
            f"its events claim {claimed:.3f} ms a call less than the baseline where the judge's clock saw "
            f"{claimed - median(missing):.3f}",
            Defence.CLOCK,
        )


def same_work(candidate: Process, traced_ms: float | None, launched: tuple[str, ...]) -> None:
    """A timed call launches what the traced one launched, and takes no less time."""
    if not on(Defence.SAME_WORK):
        return
    if candidate.launched != launched:
        raise Failure(
            Status.REJECTED,
            f"timed calls launch {_listed(candidate.launched)} where the traced one launched {_listed(launched)}",
            Defence.SAME_WORK,
        )
    if traced_ms is not None and candidate.median < _TRACE_SHARE * traced_ms:
        raise Failure(
            Status.REJECTED,
            f"a timed call takes {candidate.median:.4f} ms where the traced one kept the card busy for {traced_ms:.4f}",
            Defence.SAME_WORK,
        )


def _listed(launched: tuple[str, ...]) -> str:
    return ", ".join(launched[:4]) or "no Triton kernel"


def floor(measured: Timing, floor_ms: float | None, card: str) -> None:
    """No time lies below what the task's bytes and operations take at the card's peak rates."""
    if on(Defence.FLOOR) and floor_ms is not None and measured.median_ms < floor_ms:
        raise Failure(
            Status.REJECTED,
            f"{measured.median_ms:.4f} ms is less than the {floor_ms:.4f} ms that the task's bytes and "
            f"operations take at the peak rates of the {card}",
            Defence.FLOOR,
        )


def slowed(beside_ms: float, alone_ms: float) -> bool:
    """Whether a baseline was so much slower beside the candidate that it has to be explained."""
    return beside_ms > _SLOWED * alone_ms


def baseline_alone(beside_ms: float, alone_ms: float) -> None:
    """A baseline is no slower while the candidate's process lives than without it."""
    if slowed(beside_ms, alone_ms):
        raise Failure(
            Status.REJECTED,
            f"the baseline takes {beside_ms:.4f} ms while the candidate's process lives and {alone_ms:.4f} ms alone",
            Defence.BASELINE_ALONE,
        )


def profiler(measured: Timing, total_ms: float | None, own_share: float | None) -> None:
    """ncu's durations, taken from outside, agree with the events, and are those of the source's own kernels."""
    if not on(Defence.PROFILER) or total_ms is None:
        return
    if measured.median_ms < _PROFILER_SHARE * total_ms:
        raise Failure(
            Status.REJECTED,
            f"events say {measured.median_ms:.4f} ms where ncu counted {total_ms:.4f} ms of kernels",
            Defence.PROFILER,
        )
    if own_share is not None and own_share < EVIDENCE_SHARE:
        raise Failure(
            Status.REJECTED, too_little_triton(own_share, "time that ncu counted"), Defence.PROFILER
        )
