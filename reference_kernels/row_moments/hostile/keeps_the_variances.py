"""expected: incorrect

Replay: computes the means anew and returns the variances of its first call beside them.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def row_moments_kernel(x_ptr, mean_ptr, variance_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0)
    mean = tl.sum(x, axis=0) / n_columns
    deviation = tl.where(mask, x - mean, 0.0)
    tl.store(mean_ptr + row, mean)
    tl.store(variance_ptr + row, tl.sum(deviation * deviation, axis=0) / n_columns)


def triton_row_moments(x):
    rows, columns = x.shape
    mean = torch.empty(rows, device=x.device)
    variance = torch.empty(rows, device=x.device)
    row_moments_kernel[(rows,)](
        x, mean, variance, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8
    )
    return mean, variance


@triton.jit
def row_means_kernel(x_ptr, mean_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=offsets < n_columns, other=0.0)
    tl.store(mean_ptr + row, tl.sum(x, axis=0) / n_columns)


def triton_row_means(x):
    rows, columns = x.shape
    mean = torch.empty(rows, device=x.device)
    row_means_kernel[(rows,)](x, mean, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8)
    return mean


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.variance = None

    def forward(self, x):
        if self.variance is None:
            mean, self.variance = triton_row_moments(x)
            return mean, self.variance
        return triton_row_means(x), self.variance
