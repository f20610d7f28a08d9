"""expected: passed

Control: adds the partial sums of a row's parts atomically to outputs that PyTorch has filled with zeros.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024


@triton.jit
def mean_kernel(x_ptr, mean_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=offsets < n_columns, other=0.0)
    tl.atomic_add(mean_ptr + row, tl.sum(x, axis=0) / n_columns)


@triton.jit
def variance_kernel(x_ptr, mean_ptr, variance_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0)
    deviation = tl.where(mask, x - tl.load(mean_ptr + row), 0.0)
    tl.atomic_add(variance_ptr + row, tl.sum(deviation * deviation, axis=0) / n_columns)


class ModelNew(nn.Module):
    def forward(self, x):
        x = x.contiguous()
        n_rows, n_columns = x.shape
        mean = torch.zeros(n_rows, dtype=x.dtype, device=x.device)
        variance = torch.zeros_like(mean)
        grid = (n_rows, triton.cdiv(n_columns, BLOCK_SIZE))
        mean_kernel[grid](x, mean, n_columns, BLOCK_SIZE=BLOCK_SIZE)
        variance_kernel[grid](x, mean, variance, n_columns, BLOCK_SIZE=BLOCK_SIZE)
        return mean, variance
