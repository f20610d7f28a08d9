"""expected: incorrect

Takes maximum and sum in one pass, and does not rescale the sum when the maximum grows.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    maximum = float("-inf")
    total = 0.0
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        x = tl.load(x_ptr + row + offsets, mask=offsets < n_columns, other=float("-inf"))
        maximum = tl.maximum(maximum, tl.max(x, axis=0))
        total += tl.sum(tl.exp(x - maximum), axis=0)

    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_columns
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0)
        tl.store(output_ptr + row + offsets, tl.exp(x - maximum) / total, mask=mask)


def triton_softmax(x):
    rows, columns = x.shape
    output = torch.empty_like(x)
    softmax_kernel[(rows,)](x, output, columns, BLOCK_SIZE=128, num_warps=4)
    return output


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_softmax(x)
