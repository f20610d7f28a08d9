"""expected: incorrect

Never widens its input, so that the squares are rounded and added up in bf16.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def rms_norm_kernel(x_ptr, weight_ptr, output_ptr, rstd_ptr, n_columns, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    start_of_row = row.to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    squares = tl.zeros([BLOCK_SIZE], dtype=tl.bfloat16)
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        x = tl.load(x_ptr + start_of_row + offsets, mask=offsets < n_columns, other=0.0)
        squares += x * x
    rstd = 1.0 / tl.sqrt(tl.sum(squares.to(tl.float32), axis=0) / n_columns + eps)
    tl.store(rstd_ptr + row, rstd)

    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_columns
        x = tl.load(x_ptr + start_of_row + offsets, mask=mask, other=0.0)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
        tl.store(output_ptr + start_of_row + offsets, x * rstd * weight, mask=mask)


def triton_rms_norm(x, weight, eps):
    rows, columns = x.shape
    output = torch.empty_like(x)
    rstd = torch.empty(rows, dtype=torch.float32, device=x.device)
    rms_norm_kernel[(rows,)](x, weight, output, rstd, columns, eps, BLOCK_SIZE=256, num_warps=4)
    return output, rstd


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x):
        return triton_rms_norm(x, self.weight, self.eps)
