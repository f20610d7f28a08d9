"""expected: incorrect

Accumulates in fp16, which keeps three of the digits that an fp32 sum has.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def sum_middle_kernel(x_ptr, output_ptr, length, width, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    matrix = tl.program_id(axis=0)
    columns = tl.program_id(axis=1) * BLOCK_N + tl.arange(0, BLOCK_N)
    matrix_ptr = x_ptr + matrix.to(tl.int64) * length * width

    total = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float16)
    for start in range(0, length, BLOCK_M):
        rows = start + tl.arange(0, BLOCK_M)
        mask = (rows[:, None] < length) & (columns[None, :] < width)
        total += tl.load(matrix_ptr + rows[:, None] * width + columns[None, :], mask=mask, other=0.0).to(
            tl.float16
        )
    tl.store(output_ptr + matrix * width + columns, tl.sum(total, axis=0), mask=columns < width)


def triton_sum_middle(x):
    batch, length, width = x.shape
    output = torch.empty((batch, width), device=x.device)
    grid = (batch, triton.cdiv(width, 64))
    sum_middle_kernel[grid](x, output, length, width, BLOCK_M=32, BLOCK_N=64, num_warps=4)
    return output


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_sum_middle(x)
