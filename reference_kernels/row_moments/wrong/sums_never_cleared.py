"""expected: incorrect

Keeps its buffers of sums between calls and adds to them without clearing them, so only the first call is right.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024


@triton.jit
def add_kernel(x_ptr, sum_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=offsets < n_columns, other=0.0)
    tl.atomic_add(sum_ptr + row, tl.sum(x, axis=0))


@triton.jit
def add_squares_kernel(x_ptr, sum_ptr, square_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0)
    deviation = tl.where(mask, x - tl.load(sum_ptr + row) / n_columns, 0.0)
    tl.atomic_add(square_ptr + row, tl.sum(deviation * deviation, axis=0))


@triton.jit
def divide_kernel(sum_ptr, square_ptr, mean_ptr, variance_ptr, n_rows, n_columns, BLOCK_SIZE: tl.constexpr):
    rows = tl.program_id(axis=0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = rows < n_rows
    tl.store(mean_ptr + rows, tl.load(sum_ptr + rows, mask=mask) / n_columns, mask=mask)
    tl.store(variance_ptr + rows, tl.load(square_ptr + rows, mask=mask) / n_columns, mask=mask)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.sums = None

    def forward(self, x):
        rows, columns = x.shape
        if self.sums is None:
            self.sums = torch.zeros(rows, device=x.device), torch.zeros(rows, device=x.device)
        grid = (rows, triton.cdiv(columns, BLOCK_SIZE))
        add_kernel[grid](x, self.sums[0], columns, BLOCK_SIZE=BLOCK_SIZE)
        add_squares_kernel[grid](x, *self.sums, columns, BLOCK_SIZE=BLOCK_SIZE)
        mean = torch.empty(rows, device=x.device)
        variance = torch.empty(rows, device=x.device)
        divide_kernel[(triton.cdiv(rows, BLOCK_SIZE),)](
            *self.sums, mean, variance, rows, columns, BLOCK_SIZE=BLOCK_SIZE
        )
        return mean, variance
