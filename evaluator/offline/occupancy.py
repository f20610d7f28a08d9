"""How many programs of a kernel an SM holds at once, by the rules of NVIDIA's occupancy calculator.

Registers are given out per warp in units of 256, from four equal files per SM; shared memory in units of 128
bytes, with 1 KB per block kept by the driver (compute capability 8.0 and later: CUDA C++ Programming Guide,
technical specifications per compute capability). One program is one block, or ``num_ctas`` of them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from .. import metrics
from ..gpus import Gpu
from ..launches import Launch

_KIB = 1024
_REGISTER_UNIT = 256
_REGISTER_FILES = 4
_SHARED_UNIT = 128
_SHARED_KEPT_BY_DRIVER = 1024
_SHARED_CARVEOUTS_KB = (8, 16, 32, 64, 100, 132, 164, 196, 228)
_SMALLEST_CARVEOUT_SINCE_HOPPER_KB = 32


class Occupancy(BaseModel):
    """Concurrency of one launch on one card. A limit is in blocks per SM."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    blocks: int
    """Blocks in the grid."""
    warps_per_block: int
    limit_blocks: int
    limit_warps: int
    limit_registers: int
    limit_shared: int
    """With the whole shared memory of the SM."""
    limit_shared_configured: int
    """With the part that the driver sets aside; this is what ncu calls the limit."""
    blocks_per_sm: int
    """0: the kernel cannot run on this card."""
    theoretical_pct: float
    """Warps that fit in percent of the warps that an SM can hold."""
    warps_active_pct: float
    """The same for the SMs that have work, when the grid does not fill every place."""
    active_sms: int
    waves: float
    """Grid over the blocks that the whole card holds at once."""


def warps_that_registers_allow(registers: int, gpu: Gpu) -> int:
    """Warps per SM when each thread needs ``registers``; no warp spans two register files."""
    per_warp = _up(max(registers, 1) * gpu.warp_size, _REGISTER_UNIT)
    return gpu.registers_per_sm // _REGISTER_FILES // per_warp * _REGISTER_FILES


def threads_that_registers_allow(registers: int, gpu: Gpu) -> int:
    """The largest block that can start at all with ``registers`` per thread."""
    return min(gpu.threads_per_block_max, warps_that_registers_allow(registers, gpu) * gpu.warp_size)


def occupancy(launch: Launch, gpu: Gpu) -> Occupancy:
    """Place a recorded launch on a card. Unknown registers or shared memory bound nothing."""
    warps = launch.num_warps
    allocated = _up((launch.shared_bytes or 0) + _SHARED_KEPT_BY_DRIVER, _SHARED_UNIT)
    by_blocks, by_warps = gpu.blocks_per_sm_max, gpu.warps_per_sm_max // warps
    by_registers = warps_that_registers_allow(launch.registers or 0, gpu) // warps
    by_registers = min(by_registers, by_blocks)
    by_shared = gpu.shared_kb_per_sm * _KIB // allocated
    resident = min(by_blocks, by_warps, by_registers, by_shared)
    configured = _carveout(min(by_blocks, by_warps, by_registers) * allocated, gpu) // allocated
    blocks = launch.programs * launch.num_ctas
    places = gpu.sm_count * resident
    per_busy_sm = min(resident, max(1.0, blocks / gpu.sm_count)) if resident else 0.0
    return Occupancy(
        blocks=blocks,
        warps_per_block=warps,
        limit_blocks=by_blocks,
        limit_warps=by_warps,
        limit_registers=by_registers,
        limit_shared=by_shared,
        limit_shared_configured=min(configured, by_blocks),
        blocks_per_sm=resident,
        theoretical_pct=100 * resident * warps / gpu.warps_per_sm_max,
        warps_active_pct=100 * per_busy_sm * warps / gpu.warps_per_sm_max,
        active_sms=min(blocks, gpu.sm_count),
        waves=blocks / places if places else float("inf"),
    )


def launch_metrics(launch: Launch, gpu: Gpu) -> dict[str, float]:
    """The launch's facts under Nsight Compute's names; what was not recorded is left out."""
    placed = occupancy(launch, gpu)
    known: dict[str, float | None] = {
        metrics.GRID_SIZE: placed.blocks,
        metrics.BLOCK_SIZE: placed.warps_per_block * gpu.warp_size,
        metrics.WARPS_ACTIVE: placed.warps_active_pct,
        metrics.WAVES: placed.waves,
        metrics.REGISTERS: launch.registers,
        metrics.SHARED_STATIC: None if launch.shared_bytes is None else 0,
        metrics.SHARED_DYNAMIC: launch.shared_bytes,
        metrics.LIMIT_BLOCKS: placed.limit_blocks,
        metrics.LIMIT_REGISTERS: None if launch.registers is None else placed.limit_registers,
        metrics.LIMIT_SHARED: None if launch.shared_bytes is None else placed.limit_shared_configured,
        metrics.LIMIT_WARPS: placed.limit_warps,
    }
    return {name: value for name, value in known.items() if value is not None}


def _carveout(wanted_bytes: int, gpu: Gpu) -> int:
    """The part of the L1 that becomes shared memory: the smallest setting that holds what could run.

    The settings are the CUDA C++ Programming Guide's; that the driver takes the smallest one, and at least 32 KB
    since Hopper, is how ncu reports of such cards read.
    """
    least = _SMALLEST_CARVEOUT_SINCE_HOPPER_KB if gpu.arch_number >= 90 else 0
    settings = [kb for kb in _SHARED_CARVEOUTS_KB if least <= kb < gpu.shared_kb_per_sm]
    enough = (kb * _KIB for kb in settings if kb * _KIB >= wanted_bytes)
    return next(enough, gpu.shared_kb_per_sm * _KIB)


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
