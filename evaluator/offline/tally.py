"""From the sampled programs of a launch to the whole grid."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ..launches import Launch
from .ledger import Ledger, PointerLog
from .samples import Grid
from .traffic import SECTOR_BYTES, ArgumentTraffic, Reread, Traffic


@dataclass(frozen=True)
class Sample:
    """One program that ran to its end, and for how many it stands."""

    program: Grid
    weight: float
    ledger: Ledger


def tally(launch: Launch, taken: list[Sample], stopped: str | None, data: str = "zeros") -> Traffic:
    """Sum the samples, scaled to the grid.

    ``stopped`` says why programs are missing, if any are; ``data`` what memory was taken to hold.
    """
    if not taken:
        return Traffic(kernel=launch.kernel, grid=launch.grid, complete=False, reason=stopped)
    scale = launch.programs / sum(sample.weight for sample in taken)
    weights = [sample.weight * scale for sample in taken]
    uneven = any(sample.ledger.uneven for sample in taken)
    logs = {
        log.name: [one.ledger.pointers[key] for one in taken] for key, log in taken[0].ledger.pointers.items()
    }
    arguments = {name: _argument(several, weights, launch.programs) for name, several in logs.items()}
    return Traffic(
        kernel=launch.kernel,
        grid=launch.grid,
        arguments=arguments,
        round_trips=_mean([one.ledger.trips for one in taken], weights),
        round_trips_max=max(one.ledger.trips for one in taken),
        l1_trips=_mean([one.ledger.l1_trips for one in taken], weights),
        dot_flops=_sum([one.ledger.dot_flops for one in taken], weights),
        elementwise=_sum([one.ledger.elementwise for one in taken], weights),
        sampled=[one.program for one in taken],
        complete=stopped is None and not uneven,
        reason=stopped or ("iterations of a loop differ, and a few stand for all" if uneven else None),
        warnings=_warnings(launch.kernel, logs, data),
    )


def _argument(several: list[PointerLog], weights: list[float], programs: int) -> ArgumentTraffic:
    first = _sum([log.first for log in several], weights)
    rereads: defaultdict[int, float] = defaultdict(float)
    for log, weight in zip(several, weights, strict=True):
        for distance, sectors in log.rereads.items():
            rereads[distance] += sectors * weight
    return ArgumentTraffic(
        load_bytes=_sum([log.load_bytes for log in several], weights),
        load_sectors=_sum([log.load_sectors for log in several], weights),
        store_bytes=_sum([log.store_bytes for log in several], weights),
        store_sectors=_sum([log.store_sectors for log in several], weights),
        first_sectors=first,
        rereads=[Reread(distance_bytes=at, sectors=n) for at, n in sorted(rereads.items()) if n > 0],
        loaded_footprint=_footprint(first, several),
        stored_footprint=_footprint(_sum([log.stored_first for log in several], weights), several),
        shared_by_neighbours=programs > 1
        and len(several) > 1
        and bool(several[0].opening)
        and several[0].opening == several[1].opening,
    )


def _footprint(sectors: float, several: list[PointerLog]) -> float:
    """Distinct bytes: no more than all programs touch, than lies between the ends, or than there is."""
    low, high = min(log.low for log in several), max(log.high for log in several)
    if sectors <= 0 or high <= low:
        return 0.0
    spread = (int(high - 1) // SECTOR_BYTES - int(low) // SECTOR_BYTES + 1) * SECTOR_BYTES
    carried = any(log.carried for log in several)
    bound = max(log.extent for log in several) if carried else spread
    return float(min(sectors * SECTOR_BYTES, bound))


def _warnings(kernel: str, logs: dict[str, list[PointerLog]], data: str) -> list[str]:
    found = []
    for name, several in logs.items():
        if any(log.indirect for log in several):
            found.append(
                f"{kernel}: addresses in '{name}' come from memory and were counted as if that held {data}"
            )
        if any(log.outside for log in several):
            found.append(f"{kernel}: unmasked accesses reach beyond the end of '{name}'")
    return found


def _sum(values: list[float], weights: list[float]) -> float:
    return float(np.dot(values, weights))


def _mean(values: list[float], weights: list[float]) -> float:
    return _sum(values, weights) / sum(weights)
