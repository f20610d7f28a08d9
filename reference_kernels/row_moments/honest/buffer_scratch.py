"""expected: passed

Control: keeps its scratch space as a registered buffer that is not part of the state_dict, and grows it when needed.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024


@triton.jit
def partial_kernel(x_ptr, partial_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    block = tl.program_id(axis=1)
    offsets = block * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0)
    mean = tl.sum(x, axis=0) / tl.minimum(n_columns - block * BLOCK_SIZE, BLOCK_SIZE)
    deviation = tl.where(mask, x - mean, 0.0)
    pair_ptr = partial_ptr + (row * tl.num_programs(axis=1) + block) * 2
    tl.store(pair_ptr, mean)
    tl.store(pair_ptr + 1, tl.sum(deviation * deviation, axis=0))


@triton.jit
def merge_kernel(
    partial_ptr,
    mean_ptr,
    variance_ptr,
    n_rows,
    n_columns,
    n_blocks,
    BLOCK_SIZE: tl.constexpr,
    BLOCK_ROWS: tl.constexpr,
    N_BLOCKS: tl.constexpr,
):
    rows = tl.program_id(axis=0) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    block = tl.arange(0, N_BLOCKS)
    in_rows = rows < n_rows
    mask = in_rows[:, None] & (block[None, :] < n_blocks)
    count = tl.where(block < n_blocks, tl.minimum(n_columns - block * BLOCK_SIZE, BLOCK_SIZE), 0)
    count = count.to(tl.float32)[None, :]
    pair_ptr = partial_ptr + (rows[:, None] * n_blocks + block[None, :]) * 2
    means = tl.load(pair_ptr, mask=mask, other=0.0)
    squares = tl.load(pair_ptr + 1, mask=mask, other=0.0)
    mean = tl.sum(means * count, axis=1) / n_columns
    deviation = means - mean[:, None]
    squares += deviation * deviation * count
    tl.store(mean_ptr + rows, mean, mask=in_rows)
    tl.store(variance_ptr + rows, tl.sum(squares, axis=1) / n_columns, mask=in_rows)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scratch", torch.empty(0), persistent=False)

    def forward(self, x):
        x = x.contiguous()
        n_rows, n_columns = x.shape
        n_blocks = triton.cdiv(n_columns, BLOCK_SIZE)
        if self.scratch.numel() < 2 * n_rows * n_blocks or self.scratch.device != x.device:
            self.scratch = torch.empty(2 * n_rows * n_blocks, dtype=torch.float32, device=x.device)
        mean = torch.empty(n_rows, dtype=x.dtype, device=x.device)
        variance = torch.empty_like(mean)
        partial_kernel[(n_rows, n_blocks)](x, self.scratch, n_columns, BLOCK_SIZE=BLOCK_SIZE)
        merge_kernel[(triton.cdiv(n_rows, 64),)](
            self.scratch,
            mean,
            variance,
            n_rows,
            n_columns,
            n_blocks,
            BLOCK_SIZE=BLOCK_SIZE,
            BLOCK_ROWS=64,
            N_BLOCKS=triton.next_power_of_2(n_blocks),
        )
        return mean, variance
