"""expected: incorrect

Returns variance and mean, in the order of torch.var_mean.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def row_moments_kernel(x_ptr, variance_ptr, mean_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0)
    mean = tl.sum(x, axis=0) / n_columns
    deviation = tl.where(mask, x - mean, 0.0)
    tl.store(variance_ptr + row, tl.sum(deviation * deviation, axis=0) / n_columns)
    tl.store(mean_ptr + row, mean)


def triton_var_mean(x):
    rows, columns = x.shape
    variance = torch.empty(rows, device=x.device)
    mean = torch.empty(rows, device=x.device)
    row_moments_kernel[(rows,)](
        x, variance, mean, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8
    )
    return variance, mean


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_var_mean(x)
