"""expected: incorrect

Returns the reciprocals with a last axis of one, as a mean with keepdim gives them.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def rms_norm_kernel(x_ptr, weight_ptr, output_ptr, rstd_ptr, n_columns, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row.to(tl.int64) * n_columns + offsets, mask=mask, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    rstd = 1.0 / tl.sqrt(tl.sum(x * x, axis=0) / n_columns + eps)
    tl.store(rstd_ptr + row, rstd)
    tl.store(output_ptr + row.to(tl.int64) * n_columns + offsets, x * rstd * weight, mask=mask)


def triton_rms_norm(x, weight, eps):
    rows, columns = x.shape
    output = torch.empty_like(x)
    rstd = torch.empty((rows, 1), dtype=torch.float32, device=x.device)
    block = triton.next_power_of_2(columns)
    rms_norm_kernel[(rows,)](x, weight, output, rstd, columns, eps, BLOCK_SIZE=block, num_warps=8)
    return output, rstd


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x):
        return triton_rms_norm(x, self.weight, self.eps)
