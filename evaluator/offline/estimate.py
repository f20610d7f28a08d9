"""An estimate of the time from counted traffic: it ranks kernels, it never proves a gain. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from .. import metrics
from ..evaluation import Estimate, KernelProfile
from ..gpus import Gpu
from ..launches import Launch
from .cost_model import LAUNCH_US, Cost, cost, dram_rate
from .occupancy import launch_metrics
from .recorded import TorchOperation
from .traffic import SECTOR_BYTES, Traffic

RANGE = 1.5
"""The true time is expected within the estimate divided and multiplied by this."""
WIDE_RANGE = 2.5
"""The same when a count was cut off, extrapolated from uneven iterations, or rests on made-up data."""
MARGIN = 0.05
"""Two estimates of one task closer than this are the same: what the model leaves out cancels only in part."""
WIDE_MARGIN = 0.25
_NOT_PREDICTED = "not predicted offline: measure on a card"


class OfflineTimes(BaseModel):
    """What the model says of one forward."""

    model_config = ConfigDict(extra="forbid")
    total: Estimate | None
    """None when a launch could not be counted; a warning says which."""
    kernels: list[KernelProfile] = Field(default_factory=list)
    """One for each kernel, grid and configuration, in order of first launch."""
    warnings: list[str] = Field(default_factory=list)


def estimate(
    launches: Sequence[Launch],
    traffic: Sequence[Traffic],
    gpu: Gpu,
    operations: Sequence[TorchOperation] = (),
) -> OfflineTimes:
    """Times and predicted metrics for launches with their counts, pairwise in order.

    ``operations`` is PyTorch's own work on the card: each costs a launch and its bytes. Raises ValueError when
    launches and counts differ in number.
    """
    pairs = list(zip(launches, traffic, strict=True))
    warnings = list(dict.fromkeys(text for _, counted in pairs for text in _remarks(counted)))
    if not pairs or not all(counted.usable for _, counted in pairs):
        return OfflineTimes(
            total=None, kernels=[_uncounted(launch, gpu) for launch, _ in pairs], warnings=warnings
        )
    costs = [cost(launch, counted, gpu) for launch, counted in pairs]
    torch_ms = sum(_torch_ms(operation, gpu) for operation in operations)
    total = sum(one.ms for one in costs) + torch_ms
    low = sum(one.ms / _width(counted) for one, (_, counted) in zip(costs, pairs, strict=True))
    high = sum(one.ms * _width(counted) for one, (_, counted) in zip(costs, pairs, strict=True))
    return OfflineTimes(
        total=Estimate(ms=total, range_ms=(low + torch_ms / RANGE, high + torch_ms * RANGE)),
        kernels=_profiles(pairs, costs, total, gpu),
        warnings=warnings,
    )


def clearly_lower(candidate: Estimate, best: Estimate) -> bool:
    """Whether an estimate is lower than another, for the same task and card, by more than the model's margin.

    Both come from one model, so what it gets wrong about the card is wrong in both; `MARGIN` is for what is
    not. Where one of them rests on an incomplete count, which its range shows, `WIDE_MARGIN` holds.
    """
    wide = any(one.range_ms[1] > one.ms * RANGE * 1.001 for one in (candidate, best))
    return candidate.ms < best.ms * (1 - (WIDE_MARGIN if wide else MARGIN))


def _width(traffic: Traffic) -> float:
    return RANGE if traffic.complete and not traffic.warnings else WIDE_RANGE


def _remarks(traffic: Traffic) -> list[str]:
    if traffic.complete:
        return traffic.warnings
    outcome = "its estimate is wide" if traffic.usable else "there is no estimate"
    return [*traffic.warnings, f"{traffic.kernel}: {traffic.reason}, so {outcome}"]


def _torch_ms(operation: TorchOperation, gpu: Gpu) -> float:
    moved = operation.read_bytes + operation.written_bytes
    return LAUNCH_US / 1e3 + 1e3 * moved / dram_rate(gpu)


def _uncounted(launch: Launch, gpu: Gpu) -> KernelProfile:
    known = launch_metrics(launch, gpu)
    return KernelProfile(
        name=launch.kernel,
        grid=launch.grid,
        launches=1,
        time_share=None,
        config=_config(launch),
        metrics=known,
        missing=_missing(known),
    )


def _profiles(
    pairs: list[tuple[Launch, Traffic]], costs: list[Cost], total: float, gpu: Gpu
) -> list[KernelProfile]:
    """Launches of one kernel with one grid and configuration become one profile."""
    found: dict[str, KernelProfile] = {}
    for (launch, counted), one in zip(pairs, costs, strict=True):
        key = f"{launch.kernel} {launch.grid} {_config(launch)}"
        known = found.get(key)
        if known is None:
            found[key] = _profile(launch, counted, one, total, gpu)
        else:
            duration = (known.duration_ms or 0.0) + one.ms
            changed = {
                "launches": known.launches + 1,
                "duration_ms": duration,
                "time_share": duration / total,
            }
            found[key] = known.model_copy(update=changed)
    return list(found.values())


def _profile(launch: Launch, counted: Traffic, one: Cost, total: float, gpu: Gpu) -> KernelProfile:
    values = launch_metrics(launch, gpu) | _predicted(counted, one, gpu)
    return KernelProfile(
        name=launch.kernel,
        grid=launch.grid,
        launches=1,
        time_share=one.ms / total,
        duration_ms=one.ms,
        config=_config(launch),
        metrics=values,
        missing=_missing(values),
    )


def _config(launch: Launch) -> dict[str, bool | int | float | str | None]:
    return launch.constants | {"num_warps": launch.num_warps, "num_stages": launch.num_stages}


def _predicted(counted: Traffic, one: Cost, gpu: Gpu) -> dict[str, float]:
    """Counted or estimated values under Nsight Compute's names; L2 counts every store as a hit."""
    several = counted.arguments.values()
    values = {metrics.DURATION: one.busy_ms * 1e6}
    if one.busy_ms > 0:
        peak = gpu.memory_bandwidth_gb_s * 1e9
        values[metrics.DRAM_THROUGHPUT] = 100 * one.dram_bytes / (one.busy_ms / 1e3) / peak
    if one.l2_sectors:
        values[metrics.L2_HIT] = 100 * one.l2_hits / one.l2_sectors
    for name, moved, sectors in (
        (metrics.LOAD_EFFICIENCY, sum(a.load_bytes for a in several), sum(a.load_sectors for a in several)),
        (
            metrics.STORE_EFFICIENCY,
            sum(a.store_bytes for a in several),
            sum(a.store_sectors for a in several),
        ),
    ):
        if sectors:
            values[name] = min(100.0, 100 * moved / (sectors * SECTOR_BYTES))
    if not counted.dot_flops:
        values[metrics.TENSOR_PIPE] = 0.0
    return values


def _missing(values: dict[str, float]) -> dict[str, str]:
    return {name: _NOT_PREDICTED for name in metrics.METRICS if name not in values}
