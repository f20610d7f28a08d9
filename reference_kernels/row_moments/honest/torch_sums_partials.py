"""expected: passed

Control: lets torch.sum add the few partial sums of each row that its own kernels have left.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024


@triton.jit
def sum_kernel(x_ptr, partial_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    block = tl.program_id(axis=1)
    offsets = block * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=offsets < n_columns, other=0.0)
    tl.store(partial_ptr + row * tl.num_programs(axis=1) + block, tl.sum(x, axis=0))


@triton.jit
def square_kernel(x_ptr, mean_ptr, partial_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    block = tl.program_id(axis=1)
    offsets = block * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0)
    deviation = tl.where(mask, x - tl.load(mean_ptr + row), 0.0)
    partial = row * tl.num_programs(axis=1) + block
    tl.store(partial_ptr + partial, tl.sum(deviation * deviation, axis=0))


class ModelNew(nn.Module):
    def forward(self, x):
        x = x.contiguous()
        n_rows, n_columns = x.shape
        n_blocks = triton.cdiv(n_columns, BLOCK_SIZE)
        partials = torch.empty((n_rows, n_blocks), dtype=torch.float32, device=x.device)
        sum_kernel[(n_rows, n_blocks)](x, partials, n_columns, BLOCK_SIZE=BLOCK_SIZE)
        mean = torch.sum(partials, dim=1).div_(n_columns)
        square_kernel[(n_rows, n_blocks)](x, mean, partials, n_columns, BLOCK_SIZE=BLOCK_SIZE)
        variance = torch.sum(partials, dim=1).div_(n_columns)
        return mean, variance
