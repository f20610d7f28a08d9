"""The Nsight Compute metrics that a profile asks for: valid on Ada and Hopper alike."""

from __future__ import annotations

DURATION = "gpu__time_duration.sum"
SM_THROUGHPUT = "sm__throughput.avg.pct_of_peak_sustained_elapsed"
WARPS_ACTIVE = "sm__warps_active.avg.pct_of_peak_sustained_active"
DRAM_THROUGHPUT = "dram__throughput.avg.pct_of_peak_sustained_elapsed"
L2_HIT = "lts__t_sector_hit_rate.pct"
L1_HIT = "l1tex__t_sector_hit_rate.pct"
GRID_SIZE = "launch__grid_size"
BLOCK_SIZE = "launch__block_size"
WAVES = "launch__waves_per_multiprocessor"
REGISTERS = "launch__registers_per_thread"
SHARED_STATIC = "launch__shared_mem_per_block_static"
SHARED_DYNAMIC = "launch__shared_mem_per_block_dynamic"
LIMIT_BLOCKS = "launch__occupancy_limit_blocks"
LIMIT_REGISTERS = "launch__occupancy_limit_registers"
LIMIT_SHARED = "launch__occupancy_limit_shared_mem"
LIMIT_WARPS = "launch__occupancy_limit_warps"
LOAD_EFFICIENCY = "smsp__sass_average_data_bytes_per_sector_mem_global_op_ld.pct"
STORE_EFFICIENCY = "smsp__sass_average_data_bytes_per_sector_mem_global_op_st.pct"
STALL_LONG_SCOREBOARD = "smsp__warp_issue_stalled_long_scoreboard_per_warp_active.pct"
STALL_SHORT_SCOREBOARD = "smsp__warp_issue_stalled_short_scoreboard_per_warp_active.pct"
STALL_BARRIER = "smsp__warp_issue_stalled_barrier_per_warp_active.pct"
TENSOR_PIPE = "sm__inst_executed_pipe_tensor.avg.pct_of_peak_sustained_active"

METRICS: tuple[str, ...] = (
    DURATION,
    SM_THROUGHPUT,
    GRID_SIZE,
    WARPS_ACTIVE,
    DRAM_THROUGHPUT,
    L2_HIT,
    L1_HIT,
    BLOCK_SIZE,
    WAVES,
    REGISTERS,
    SHARED_STATIC,
    SHARED_DYNAMIC,
    LIMIT_BLOCKS,
    LIMIT_REGISTERS,
    LIMIT_SHARED,
    LIMIT_WARPS,
    LOAD_EFFICIENCY,
    STORE_EFFICIENCY,
    STALL_LONG_SCOREBOARD,
    STALL_SHORT_SCOREBOARD,
    STALL_BARRIER,
    TENSOR_PIPE,
)
