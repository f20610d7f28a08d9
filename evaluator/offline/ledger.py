"""What one program did with memory, added up while it runs with fake addresses: no Triton here."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .loops import plan
from .sectors import Addresses, distinct_sectors, lanes_in_order, warp_sectors
from .traffic import SECTOR_BYTES

ADDRESS_BITS = 40
"""Each pointer argument owns a range of 2^40 bytes, so an address tells whose it is."""
UNROLLED = 4
"""Iterations of a loop of scalar loads whose loads ptxas issues together; read from its output for sm_89, sm_90."""
L1_REACH_BYTES = 16 * 1024
"""A sector touched again within so many bytes is taken to be in L1 still: an eighth of the smallest L1."""
_MAX_DISTANCE = 1 << 50


class CutOff(BaseException):
    """Time is up; not an Exception, so that no candidate's ``except`` keeps it."""


@dataclass
class PointerLog:
    """One pointer argument as one program used it. Counts are weighted by the loop plan."""

    name: str
    extent: int
    """Bytes from the argument's first to its last element."""
    load_bytes: float = 0.0
    load_sectors: float = 0.0
    store_bytes: float = 0.0
    store_sectors: float = 0.0
    first: float = 0.0
    stored_first: float = 0.0
    rereads: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    low: float = np.inf
    high: float = -np.inf
    """Range of byte offsets that were touched."""
    outside: bool = False
    indirect: bool = False
    """Whether an address depended on loaded data."""
    carried: bool = False
    """Whether a loop carries the pointer along, so that skipped iterations leave no gap in the addresses."""
    jump: int = 0
    last: int = 0
    step: int = 0
    seen: NDArray[np.float64] = field(init=False)
    written: NDArray[np.bool_] = field(init=False)
    opening: bytes = b""
    """The first access's sectors, to compare programs by."""

    def moved(self, low: int, high: int, jump: int) -> None:
        """Note the range of one access; ``jump`` counts the times that iterations were skipped before it."""
        step = low - self.last
        if jump != self.jump and step and abs(step) <= abs(self.step):
            self.carried = True
        self.last, self.step, self.jump = low, step, jump
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.outside |= high > self.extent

    def __post_init__(self) -> None:
        sectors = self.extent // SECTOR_BYTES + 2
        self.seen, self.written = np.zeros(sectors), np.zeros(sectors, dtype=np.bool_)


@dataclass
class _Block:
    """Code between two loop edges: what it loads can be under way together unless addresses depend on it."""

    weight: float
    level: int = 0
    """Depth of dependent loads."""
    memory_level: int = 0
    """The same without loads that L1 serves."""
    floor: int = 0
    """Loads behind a barrier wait for the loads before it."""
    scalars_only: bool = True
    """No tile is loaded and nothing stored: the compiler unrolls such a loop and loads ahead."""
    pipelined: bool = False


class Ledger:
    """Takes notes for one program. ``deadline`` is in `time.monotonic` seconds; `CutOff` is raised after it."""

    def __init__(self, pointers: dict[int, PointerLog], deadline: float, stages: int = 1) -> None:
        self.pointers = pointers
        self.deadline = deadline
        self.stages = stages
        self.clock = 1.0
        self.weight = 1.0
        self.depth = 0
        self.block = _Block(1.0)
        self.number = 0
        self.jumps = 0
        self.trips = 0.0
        self.l1_trips = 0.0
        self.dot_flops = 0.0
        self.elementwise = 0.0
        self.uneven = False
        self.traffic = 0.0

    # -- memory

    def load(
        self, addresses: Addresses, active: NDArray[np.bool_], itemsize: int, level: int, indirect: bool
    ) -> int:
        """Note a load; returns the dependency level that its result has."""
        missed = self._access(addresses, active, itemsize, indirect, store=False)
        level = max(level, self.block.floor) + 1
        self.block.scalars_only &= addresses.size == 1
        self.block.level = max(self.block.level, level)
        if missed:
            self.block.memory_level = max(self.block.memory_level, level)
        return level

    def store(self, addresses: Addresses, active: NDArray[np.bool_], itemsize: int, indirect: bool) -> None:
        """Note a store; nobody waits for it."""
        self.block.scalars_only = False
        self._access(addresses, active, itemsize, indirect, store=True)

    def _access(
        self, addresses: Addresses, active: NDArray[np.bool_], itemsize: int, indirect: bool, store: bool
    ) -> bool:
        if time.monotonic() > self.deadline:
            raise CutOff
        active = np.broadcast_to(active, addresses.shape)
        self.elementwise += addresses.size * self.weight
        if not active.any():
            return False
        log = self.pointers.get(int(addresses[active].flat[0]) >> ADDRESS_BITS)
        if log is None:
            return True
        offsets, active = lanes_in_order(addresses & ((1 << ADDRESS_BITS) - 1), active)
        log.indirect |= indirect
        taken = offsets[active]
        log.moved(int(taken.min()), int(taken.max()) + itemsize, self.jumps)
        sectors = warp_sectors(offsets, active, itemsize)
        distinct = distinct_sectors(offsets, active, itemsize)
        moved = len(taken) * itemsize * self.weight
        self.traffic += moved
        if store:
            log.store_bytes += moved
            log.store_sectors += sectors * self.weight
            self._written(log, distinct)
            return False
        log.load_bytes += moved
        log.load_sectors += sectors * self.weight
        return self._touched(log, distinct, sectors)

    def _touched(self, log: PointerLog, distinct: Addresses, sectors: int) -> bool:
        """Sort the sectors of one load into first touches and re-reads; says whether L1 missed any."""
        log.opening = log.opening or distinct.tobytes()
        log.rereads[0] += (sectors - len(distinct)) * self.weight
        inside = distinct[distinct < len(log.seen)]
        before = log.seen[inside]
        fresh = int((before == 0).sum()) + len(distinct) - len(inside)
        log.first += fresh * self.weight
        distances = self.clock - before[before > 0]
        buckets, counts = np.unique(np.ceil(np.log2(np.maximum(distances, 1))), return_counts=True)
        for bucket, count in zip(buckets, counts, strict=True):
            log.rereads[min(1 << int(bucket), _MAX_DISTANCE)] += count * self.weight
        self.clock += len(distinct) * SECTOR_BYTES
        log.seen[inside] = self.clock
        return bool(fresh) or bool((distances > L1_REACH_BYTES).any())

    def _written(self, log: PointerLog, distinct: Addresses) -> None:
        inside = distinct[distinct < len(log.written)]
        fresh = int((~log.written[inside]).sum()) + len(distinct) - len(inside)
        log.stored_first += fresh * self.weight
        log.written[inside] = True
        self.clock += len(distinct) * SECTOR_BYTES

    # -- waits

    def barrier(self, level: int) -> None:
        """A reduction over values of that level: what is loaded after it waits for what was loaded before."""
        self.block.floor = max(self.block.floor, level)

    def dot(self, flops: int) -> None:
        """A tl.dot; Triton pipelines the loop around one, so that later iterations' loads are under way."""
        self.dot_flops += flops * self.weight
        if self.depth and not self.block.pipelined:
            self.block.pipelined = True
            self.block.weight /= _overlap(self.stages)

    def edge(self, weight: float) -> None:
        """A loop's edge: the waits of the block before it are over."""
        block = self.block
        together = UNROLLED if self.depth and block.scalars_only else 1
        self.trips += block.memory_level * block.weight
        self.l1_trips += (block.level - block.memory_level) * block.weight / together
        self.number += 1
        self.block = _Block(weight)

    # -- loops

    def iterate(self, values: range, stages: int | None = None) -> Iterator[int]:
        """The iterations of a loop that are worth running, in order; sets the weight of what they do."""
        outer, depth = self.weight, self.depth
        ends: list[float] = []
        try:
            self.depth += 1
            position = 0
            for run in plan(len(values), depth):
                if ends:  # skipped iterations pass on the clock, so that re-use distances stay true
                    self.clock += (run.start - position) * ends[-1]
                    self.jumps += 1
                start = self.traffic
                self.weight = outer * run.weight
                for index in range(run.start, run.start + run.length):
                    self.edge(self.weight / _overlap(stages))
                    yield values[index]
                ends.append((self.traffic - start) / (self.weight * run.length))
                position = run.start + run.length
        finally:
            self.weight, self.depth = outer, depth
            self.edge(outer)
        if len(ends) == 4 and abs(ends[1] - ends[2]) > 1e-6 * max(ends[1], ends[2]):
            self.uneven = True


def _overlap(stages: int | None) -> int:
    """How many iterations' loads are under way at once: a loop pipelined in n stages prefetches n - 1."""
    return max((stages or 1) - 1, 1)
