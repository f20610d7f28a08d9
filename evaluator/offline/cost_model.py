"""How long a counted launch should take on a card: a roofline with achieved parallelism and latency.

    time = overhead + max(DRAM bytes / DRAM rate, L2 bytes / L2 rate, products / tensor rate,
                          operations / issue rate, what the busiest SM needs)

    busiest SM = max(longest program, rounds x mean program, its programs' bytes / its port to L2)
    program    = round trips x memory latency + L1 trips x L1 latency + bytes / port + operations / issue rate

Roofline: Williams, Waterman, Patterson, 2009. The latency part is Little's law read backwards: a program has
no more bytes under way than it asks for between two waits. `docs/offline.md` says where each constant comes from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..gpus import Gpu
from ..launches import Launch, TensorArgument
from .occupancy import occupancy
from .traffic import SECTOR_BYTES, ArgumentTraffic, Traffic

LAUNCH_US = 2.0
"""Start and drain of a kernel behind another one; assumed."""
DRAM_SHARE = {"hbm": 0.90, "gddr": 0.93}
"""Of the data-sheet bandwidth, for a long stream; the second column of the LayerNorm table."""
MEMORY_LATENCY_US = {"hbm": 0.646, "gddr": 0.268}
"""Of a wait for memory under little load; fitted to one kernel on each of an H200 and an RTX 4090."""
L1_CYCLES = 40
"""Of a wait that L1 serves; assumed, near what microbenchmarks of both chips report (arXiv 2402.13499)."""
PORT_BYTES_PER_CYCLE = 64
"""What one SM can take from L2 per clock."""
L2_BYTES_PER_CYCLE = 20
"""What L2 delivers per clock and SM when all ask; assumed."""
L2_USABLE = 0.8
"""Share of L2 within which data is taken to survive until its next use; assumed."""
TENSOR_SHARE = 0.6
"""Of the tensor cores' peak that a tl.dot loop reaches; assumed."""
SCHEDULERS = 4
ISSUE_PER_WARP = 0.5
"""Instructions per clock of a warp alone on its scheduler, of a possible 1: dependent ones wait."""


@dataclass(frozen=True)
class Cost:
    """Times in milliseconds, without the overhead of a launch; bytes of the whole launch."""

    dram_ms: float
    l2_ms: float
    dot_ms: float
    issue_ms: float
    sm_ms: float
    dram_bytes: float
    l2_sectors: float
    l2_hits: float

    @property
    def busy_ms(self) -> float:
        """The largest bound."""
        return max(self.dram_ms, self.l2_ms, self.dot_ms, self.issue_ms, self.sm_ms)

    @property
    def ms(self) -> float:
        """With the overhead of one launch."""
        return self.busy_ms + LAUNCH_US / 1e3


def memory_kind(gpu: Gpu) -> str:
    """``hbm`` on NVIDIA's data-centre chips (compute capability 8.0, 9.0, 10.0, …), else ``gddr``."""
    major, minor = divmod(gpu.arch_number, 10)
    return "hbm" if (major, minor) in ((7, 0), (8, 0), (9, 0), (10, 0), (10, 3)) else "gddr"


def cost(launch: Launch, traffic: Traffic, gpu: Gpu) -> Cost:
    """Every bound of one launch. The launch must fit on the card."""
    placed = Placement.of(launch, gpu)
    served = [_served(one, traffic, placed, gpu) for one in traffic.arguments.values()]
    dram = sum(one.dram for one in served)
    sectors = sum(one.l2_sectors for one in served)
    clock = gpu.boost_clock_mhz * 1e6
    lanes = gpu.sm_count * SCHEDULERS * gpu.warp_size * clock
    return Cost(
        dram_ms=1e3 * dram / dram_rate(gpu),
        l2_ms=1e3 * sectors * SECTOR_BYTES / (L2_BYTES_PER_CYCLE * gpu.sm_count * clock),
        dot_ms=1e3 * traffic.dot_flops / (_tensor_tflops(launch, gpu) * 1e12 * TENSOR_SHARE),
        issue_ms=1e3 * traffic.elementwise / lanes,
        sm_ms=_busiest_sm(launch, traffic, placed, sectors * SECTOR_BYTES / traffic.programs, gpu),
        dram_bytes=dram,
        l2_sectors=sectors,
        l2_hits=sum(one.l2_hits for one in served),
    )


def dram_rate(gpu: Gpu) -> float:
    """Bytes per second of a long stream."""
    return gpu.memory_bandwidth_gb_s * 1e9 * DRAM_SHARE[memory_kind(gpu)]


@dataclass(frozen=True)
class Placement:
    """Where the programs of a launch run."""

    per_sm: int
    """Programs that the busiest SM runs in all."""
    together: int
    """Of these, at the same time."""
    resident: int
    """On the whole card at the same time."""

    @staticmethod
    def of(launch: Launch, gpu: Gpu) -> Placement:
        """A program of several blocks counts as that many."""
        blocks = launch.programs * launch.num_ctas
        per_sm = math.ceil(blocks / gpu.sm_count)
        fits = max(1, occupancy(launch, gpu).blocks_per_sm)
        return Placement(per_sm, min(per_sm, fits), min(blocks, fits * gpu.sm_count))


@dataclass(frozen=True)
class _Service:
    """Who answers the accesses to one argument."""

    dram: float
    l2_sectors: float
    l2_hits: float


def _served(one: ArgumentTraffic, traffic: Traffic, placed: Placement, gpu: Gpu) -> _Service:
    """L1 serves what a program reads again soon, L2 what any program reads again before L2 is full of other data."""
    l1 = gpu.shared_kb_per_sm * 1024 / placed.together
    near = sum(again.sectors for again in one.rereads if again.distance_bytes <= l1)
    far = [again for again in one.rereads if again.distance_bytes > l1]
    lost = sum(
        again.sectors for again in far if not _fits(again.distance_bytes * placed.resident, traffic, gpu)
    )
    footprint = one.loaded_footprint / SECTOR_BYTES
    if not _reused_in_l2(one, traffic, placed, gpu):
        footprint = one.first_sectors
    asked = one.load_sectors - near
    missed = min(footprint + lost, asked)
    return _Service(
        dram=missed * SECTOR_BYTES + one.stored_footprint,
        l2_sectors=asked + one.store_sectors,
        l2_hits=asked - missed + one.store_sectors,
    )


def _reused_in_l2(one: ArgumentTraffic, traffic: Traffic, placed: Placement, gpu: Gpu) -> bool:
    """Whether a sector that several programs load is still in L2 when the next one asks for it.

    It is when neighbours share it, or when the next user runs at the same time. Else the users are taken to
    stand at even distances in launch order, and what all programs between two of them touch has to fit.
    """
    if one.first_sectors * SECTOR_BYTES <= one.loaded_footprint or one.shared_by_neighbours:
        return True
    period = one.loaded_footprint / (one.first_sectors * SECTOR_BYTES) * traffic.programs
    if period < placed.resident:
        return True
    touched = sum(
        arg.first_sectors * SECTOR_BYTES + arg.stored_footprint for arg in traffic.arguments.values()
    )
    return _fits(period * touched / traffic.programs, traffic, gpu)


def _fits(distance: float, traffic: Traffic, gpu: Gpu) -> bool:
    """Whether so many bytes, or everything that the launch touches, leave L2 room."""
    everything = sum(one.loaded_footprint + one.stored_footprint for one in traffic.arguments.values())
    return min(distance, everything) <= gpu.l2_mb * 2**20 * L2_USABLE


def _busiest_sm(launch: Launch, traffic: Traffic, placed: Placement, own_bytes: float, gpu: Gpu) -> float:
    """Milliseconds that the SM with the most programs needs; ``own_bytes``: of one program, beyond L1."""
    cycle_us = 1 / gpu.boost_clock_mhz
    port_us = own_bytes * launch.num_ctas**-1 / PORT_BYTES_PER_CYCLE * cycle_us
    issue = min(SCHEDULERS, launch.num_warps * ISSUE_PER_WARP) * gpu.warp_size
    work_us = port_us + traffic.elementwise / traffic.programs / launch.num_ctas / issue * cycle_us
    work_us += traffic.l1_trips * L1_CYCLES * cycle_us
    latency = MEMORY_LATENCY_US[memory_kind(gpu)]
    least = _least_trips(launch, traffic)
    mean = max(traffic.round_trips, least) * latency + work_us
    longest = max(traffic.round_trips_max, least) * latency + work_us
    rounds = math.ceil(placed.per_sm / placed.together)
    return max(longest, rounds * mean, placed.per_sm * port_us) / 1e3


def _least_trips(launch: Launch, traffic: Traffic) -> float:
    """Waits of one program at least: what is under way must find room in its registers or shared memory."""
    if launch.registers is None:
        return 0.0
    room = launch.registers * 4 * 32 * launch.num_warps * launch.num_ctas + (launch.shared_bytes or 0)
    loaded = sum(one.first_sectors for one in traffic.arguments.values()) * SECTOR_BYTES
    return loaded / traffic.programs / room


def _tensor_tflops(launch: Launch, gpu: Gpu) -> float:
    """Peak for the narrowest floating type among the launch's tensors; without tensor cores the fp32 rate."""
    types = {one.dtype for one in launch.arguments.values() if isinstance(one, TensorArgument)}
    if "bfloat16" in types:
        rate = gpu.bf16_tensor_tflops
    elif "float16" in types:
        rate = gpu.fp16_tensor_tflops
    else:
        rate = gpu.tf32_tensor_tflops
    return rate or gpu.fp32_tflops
