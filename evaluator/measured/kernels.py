"""From traces and ncu's rows to one `KernelProfile` per Triton kernel. Pure."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..defences import Defence, on
from ..evaluation import KernelProfile, Status
from ..launches import Launch
from ..metrics import BLOCK_SIZE, DURATION, GRID_SIZE, METRICS, REGISTERS
from ..ncu import ProfiledLaunch, shares
from ..runners import Failure


class Ran(BaseModel):
    """A kernel, a copy or a fill that the trace of one call shows."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    name: str
    start: float
    us: float = Field(ge=0)
    grid: tuple[int, int, int] | None
    block: tuple[int, int, int] | None
    registers: int | None

    def is_launch(self, launch: Launch) -> bool:
        """Whether Triton launched just such a kernel: of this name, grid, block and number of registers."""
        if self.name != launch.kernel:
            return False
        if not on(Defence.KERNEL_IDENTITY):
            return True
        threads = math.prod(self.block or (0,))
        same_shape = self.grid == launch.grid and threads == 32 * launch.num_warps
        return same_shape and _same_registers(launch.registers, self.registers)


def _same_registers(compiled: int | None, ran: int | None) -> bool:
    """The card hands registers out by eight, and sixteen at least; a trace may say what was handed out."""
    if compiled is None or ran is None:
        return compiled == ran
    return compiled <= ran <= max(16, -(-compiled // 8) * 8)


class Trace(BaseModel):
    """A runner's answer about one traced call: what Triton launched in it, and what ran on the card."""

    model_config = ConfigDict(extra="forbid")
    ran: list[Ran]
    launches: list[Launch]
    known: list[Launch]
    """One launch of every kind since the runner began: a replayed CUDA graph launches nothing through Triton."""

    @property
    def launched(self) -> tuple[str, ...]:
        """As a runner says it of every other call."""
        return tuple(sorted(f"{one.kernel}{list(one.grid)}" for one in self.launches))

    def of(self, own: list[str]) -> list[Ran]:
        """What ran of the source's own Triton functions, in order.

        Each launch of this call vouches for one kernel, the shorter ones first. Where the call launched nothing
        through Triton, as in a replayed graph, a launch of an earlier call vouches for all of its kind.
        """
        vouching = [launch for launch in self.launches if launch.kernel in own]
        once = bool(vouching)
        vouching = vouching or [launch for launch in self.known if launch.kernel in own]
        found = []
        for ran in sorted(self.ran, key=lambda ran: ran.us):
            launch = next((one for one in vouching if ran.is_launch(one)), None)
            if launch is not None:
                found.append(ran)
                if once:
                    vouching.remove(launch)
        return sorted(found, key=lambda ran: ran.start)

    def own_share(self, own: list[str]) -> float | None:
        """Share of the busy time in which nothing but they ran; None when nothing was traced."""
        mine = {id(ran) for ran in self.of(own)}
        total, others = _busy(self.ran), _busy([ran for ran in self.ran if id(ran) not in mine])
        return (total - others) / total if total > 0 else None

    @property
    def busy_ms(self) -> float | None:
        """How long the card was busy, kernels that overlap counted once; None when nothing was traced."""
        return _busy(self.ran) / 1000 if self.ran else None


def _busy(kernels: list[Ran]) -> float:
    """Microseconds in which at least one of them ran."""
    busy, reached = 0.0, -math.inf
    for ran in sorted(kernels, key=lambda ran: ran.start):
        busy += max(0.0, ran.start + ran.us - max(ran.start, reached))
        reached = max(reached, ran.start + ran.us)
    return busy


def parse_trace(answer: dict[str, Any]) -> Trace:
    """A runner's word about itself; raises `Failure` when it makes no sense."""
    try:
        return Trace.model_validate(answer)
    except ValidationError:
        raise Failure(Status.REJECTED, "the trace of its call makes no sense", Defence.OWN_KERNELS) from None


def from_trace(trace: Trace, own: list[str]) -> list[KernelProfile]:
    """One profile for each of the source's own Triton functions that ran, in order."""
    ran = trace.of(own)
    total = sum(one.us for one in trace.ran)
    return [_profile(name, trace, [one for one in ran if one.name == name], total) for name in _names(ran)]


def _names(ran: list[Ran]) -> list[str]:
    return list(dict.fromkeys(one.name for one in ran))


def _profile(name: str, trace: Trace, mine: list[Ran], total: float) -> KernelProfile:
    last = [launch for launch in (*trace.known, *trace.launches) if launch.kernel == name][-1]
    metrics = {GRID_SIZE: float(last.programs), BLOCK_SIZE: float(last.num_warps * 32)}
    if last.registers is not None:
        metrics[REGISTERS] = float(last.registers)
    us = sum(one.us for one in mine)
    return KernelProfile(
        name=name,
        grid=last.grid,
        launches=len(mine),
        time_share=us / total,
        duration_ms=us / 1000,
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


def own_share(rows: list[ProfiledLaunch], own: list[str]) -> float | None:
    """Share of ncu's durations that the source's own Triton functions take; None where one is missing."""
    total = total_ms(rows)
    mine = [row for row in rows if row.kernel in own]
    return (total_ms(mine) or 0.0) / total if total else None
