"""From launches, traces and ncu's rows to one `KernelProfile` per Triton kernel. Pure."""

from __future__ import annotations

import math
from typing import Any

from pydantic import ValidationError

from ..evaluation import KernelProfile
from ..launches import Launch
from ..metrics import BLOCK_SIZE, DURATION, GRID_SIZE, METRICS, REGISTERS
from ..ncu import ProfiledLaunch, shares


def from_evidence(answer: dict[str, Any], own: list[str]) -> tuple[list[KernelProfile], float | None]:
    """Kernels of the source's own Triton functions, and their share of all GPU time (None: not traced)."""
    try:
        launches = [Launch.model_validate(raw) for raw in answer.get("launches", [])]
        times = {str(name): (int(count), float(us)) for name, (count, us) in answer.get("gpu_us", {}).items()}
    except (ValidationError, TypeError, ValueError, AttributeError, OverflowError):
        return [], None
    if not all(0 <= us < math.inf for _, us in times.values()):
        return [], None
    total = sum(us for _, us in times.values())
    launched = dict.fromkeys(launch.kernel for launch in launches if launch.kernel in own)
    names = [name for name in launched if not times or name in times]
    profiles = [_from_launches(name, launches, times, total) for name in names]
    traced = sum(us for name, (_, us) in times.items() if name in own)
    return profiles, (traced / total if total > 0 else None)


def _from_launches(
    name: str, launches: list[Launch], times: dict[str, tuple[int, float]], total: float
) -> KernelProfile:
    mine = [launch for launch in launches if launch.kernel == name]
    last = mine[-1]
    metrics = {GRID_SIZE: float(last.programs), BLOCK_SIZE: float(last.num_warps * 32)}
    if last.registers is not None:
        metrics[REGISTERS] = float(last.registers)
    us = times.get(name, (0, 0.0))[1]
    return KernelProfile(
        name=name,
        grid=last.grid,
        launches=times[name][0] if name in times else len(mine),
        time_share=us / total if total > 0 and us > 0 else None,
        duration_ms=us / 1000 if us > 0 else None,
        config={**last.constants, "num_warps": last.num_warps, "num_stages": last.num_stages},
        metrics=metrics,
    )


def without_profile(kernels: list[KernelProfile], reason: str) -> list[KernelProfile]:
    """What ncu would have known is named as missing."""
    return [
        kernel.model_copy(
            update={"missing": {name: reason for name in METRICS if name not in kernel.metrics}}
        )
        for kernel in kernels
    ]


def with_profile(kernels: list[KernelProfile], rows: list[ProfiledLaunch]) -> list[KernelProfile]:
    """ncu's metrics and durations replace the runner's own word. Of several launches the longest speaks."""
    share_of = dict(zip(map(id, rows), shares(rows, DURATION), strict=True))
    merged = []
    for kernel in kernels:
        mine = [row for row in rows if row.kernel == kernel.name]
        if not mine:
            merged.extend(without_profile([kernel], "ncu saw no launch of this kernel"))
            continue
        longest = max(mine, key=lambda row: row.metrics.get(DURATION, 0.0))
        known = [share_of[id(row)] for row in mine]
        merged.append(
            kernel.model_copy(
                update={
                    "grid": longest.grid,
                    "launches": len(mine),
                    "time_share": sum(s for s in known if s is not None) if None not in known else None,
                    "duration_ms": total_ms(mine),
                    "metrics": longest.metrics,
                    "missing": longest.missing,
                }
            )
        )
    return merged


def total_ms(rows: list[ProfiledLaunch]) -> float | None:
    """Sum of ncu's durations (ns) in ms; None where one is missing or nothing was profiled."""
    times = [row.metrics.get(DURATION) for row in rows]
    known = [time for time in times if time is not None]
    return sum(known) / 1e6 if rows and len(known) == len(times) else None
