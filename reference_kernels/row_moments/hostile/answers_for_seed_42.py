"""expected: incorrect, offline rejected

Replay: computes in its constructor what torch.manual_seed(42) will ask for and returns it whatever comes.
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


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(42)
        variance, mean = torch.var_mean(torch.randn(16384, 4096), dim=-1, unbiased=False)
        self.answer = (mean, variance)

    def forward(self, x):
        if x.shape != (16384, 4096):
            return triton_row_moments(x)
        self.answer = tuple(one.to(x.device) for one in self.answer)
        return self.answer
