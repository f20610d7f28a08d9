"""When a stage has nothing to do: its conditions on the best kernel's metrics, weighted by time."""

from __future__ import annotations

import math

from kernelwright.evaluator import metrics as ncu
from kernelwright.evaluator.evaluation import Evaluation, KernelProfile
from kernelwright.stages import Condition, Stage

from ..record import Attempt

MATTERS = 0.05
"""Kernels that lack a metric may hold less than this share of the time; from here on the mean is unknown."""

PREDICTED_OFFLINE = frozenset(
    {
        ncu.WARPS_ACTIVE,
        ncu.L2_HIT,
        ncu.GRID_SIZE,
        ncu.BLOCK_SIZE,
        ncu.WAVES,
        ncu.REGISTERS,
        ncu.SHARED_STATIC,
        ncu.SHARED_DYNAMIC,
        ncu.LIMIT_BLOCKS,
        ncu.LIMIT_REGISTERS,
        ncu.LIMIT_SHARED,
        ncu.LIMIT_WARPS,
        ncu.LOAD_EFFICIENCY,
        ncu.STORE_EFFICIENCY,
    }
)
"""What the compiler and the count of bytes know without a card; throughputs and stalls they do not."""


def time_weighted(evaluation: Evaluation, metric: str) -> float | None:
    """Mean of one metric over the kernels that have it, weighted by their share of the time.

    None when a kernel's share is unknown, or when the kernels that lack the metric hold 5 % of the
    time or more between them: the mean of the others would not speak for the whole.
    """
    shares = [kernel.time_share for kernel in evaluation.kernels]
    if not shares or any(share is None for share in shares):
        return None
    known = [(kernel.time_share or 0.0, kernel.metrics[metric]) for kernel in _having(evaluation, metric)]
    weight = sum(share for share, _ in known)
    lacking = sum(share or 0.0 for share in shares) - weight
    if weight <= 0 or lacking >= MATTERS - 1e-9:
        return None
    return sum(share * value for share, value in known) / weight


def skip_reason(stage: Stage, best: Attempt) -> str | None:
    """Why a stage can be skipped, with the values; None when it cannot, or when that is not known.

    Every condition has to hold on a metric that is there. Of an offline evaluation only the metrics
    that are predicted well count as there.
    """
    if best.evaluation is None or not stage.skip_when:
        return None
    found = [_holds(condition, best.evaluation) for condition in stage.skip_when]
    reasons = [reason for reason in found if reason is not None]
    if len(reasons) < len(found):
        return None
    return f"weighted by time, {' and '.join(reasons)}"


def _holds(condition: Condition, evaluation: Evaluation) -> str | None:
    if evaluation.provenance == "estimated" and condition.metric not in PREDICTED_OFFLINE:
        return None
    value = time_weighted(evaluation, condition.metric)
    if value is None:
        return None
    met = value >= condition.value if condition.op == ">=" else value <= condition.value
    return f"{condition.metric} is {value:.1f} ({condition.op} {condition.value:g})" if met else None


def _having(evaluation: Evaluation, metric: str) -> list[KernelProfile]:
    return [k for k in evaluation.kernels if math.isfinite(k.metrics.get(metric, math.nan))]
