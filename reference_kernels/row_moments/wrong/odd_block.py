"""expected: compile_error

Asks for a block of 1536 elements, which is no power of two.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def row_moments_kernel(x_ptr, mean_ptr, variance_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    row_ptr = x_ptr + row.to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    total = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        total += tl.load(row_ptr + start + lanes, mask=start + lanes < n_columns, other=0.0)
    mean = tl.sum(total, axis=0) / n_columns

    squares = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        mask = start + lanes < n_columns
        x = tl.load(row_ptr + start + lanes, mask=mask, other=0.0)
        squares += tl.where(mask, (x - mean) * (x - mean), 0.0)

    tl.store(mean_ptr + row, mean)
    tl.store(variance_ptr + row, tl.sum(squares, axis=0) / n_columns)


def triton_row_moments(x):
    rows, columns = x.shape
    mean = torch.empty(rows, device=x.device)
    variance = torch.empty(rows, device=x.device)
    row_moments_kernel[(rows,)](x, mean, variance, columns, BLOCK_SIZE=1536, num_warps=4)
    return mean, variance


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_row_moments(x)
