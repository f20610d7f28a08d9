"""expected: incorrect

Gives three rows to each program and rounds the number of programs down, so the last rows are never written.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

ROWS = 3


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_columns, ROWS: tl.constexpr, BLOCK_SIZE: tl.constexpr):
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    for index in range(ROWS):
        row = (tl.program_id(axis=0) * ROWS + index).to(tl.int64) * n_columns
        x = tl.load(x_ptr + row + offsets, mask=mask, other=float("-inf"))
        exponentials = tl.exp(x - tl.max(x, axis=0))
        tl.store(output_ptr + row + offsets, exponentials / tl.sum(exponentials, axis=0), mask=mask)


def triton_softmax(x):
    rows, columns = x.shape
    output = torch.empty_like(x)
    softmax_kernel[(rows // ROWS,)](
        x, output, columns, ROWS=ROWS, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8
    )
    return output


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_softmax(x)
