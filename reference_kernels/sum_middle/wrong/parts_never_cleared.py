"""expected: incorrect

Splits the middle axis among sixteen programs that add to an output which nobody has set to zero.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

PARTS = 16


@triton.jit
def sum_middle_kernel(x_ptr, output_ptr, length, width, part, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    matrix = tl.program_id(axis=0)
    columns = tl.program_id(axis=1) * BLOCK_N + tl.arange(0, BLOCK_N)
    matrix_ptr = x_ptr + matrix.to(tl.int64) * length * width

    first = tl.program_id(axis=2) * part
    beyond = tl.minimum(first + part, length)
    total = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
    for start in range(first, beyond, BLOCK_M):
        rows = start + tl.arange(0, BLOCK_M)
        mask = (rows[:, None] < beyond) & (columns[None, :] < width)
        total += tl.load(matrix_ptr + rows[:, None] * width + columns[None, :], mask=mask, other=0.0)
    tl.atomic_add(output_ptr + matrix * width + columns, tl.sum(total, axis=0), mask=columns < width)


def triton_sum_middle(x):
    batch, length, width = x.shape
    output = torch.empty((batch, width), device=x.device)
    part = triton.cdiv(length, PARTS)
    grid = (batch, triton.cdiv(width, 64), PARTS)
    sum_middle_kernel[grid](x, output, length, width, part, BLOCK_M=32, BLOCK_N=64, num_warps=4)
    return output


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_sum_middle(x)
