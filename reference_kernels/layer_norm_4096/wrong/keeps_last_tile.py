"""expected: incorrect

Overwrites the sums with those of each tile instead of adding to them.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def layer_norm_kernel(x_ptr, weight_ptr, bias_ptr, output_ptr, n_columns, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    total, squares = 0.0, 0.0
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        x = tl.load(x_ptr + row + offsets, mask=offsets < n_columns, other=0.0).to(tl.float32)
        total = tl.sum(x, axis=0)
        squares = tl.sum(x * x, axis=0)
    mean = total / n_columns
    rstd = 1.0 / tl.sqrt(squares / n_columns - mean * mean + eps)

    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_columns
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
        bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
        tl.store(output_ptr + row + offsets, (x - mean) * rstd * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    rows, columns = x.shape
    output = torch.empty_like(x)
    layer_norm_kernel[(rows,)](x, weight, bias, output, columns, eps, BLOCK_SIZE=256, num_warps=4)
    return output


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.bias = nn.Parameter(torch.zeros(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x):
        return triton_layer_norm(x, self.weight, self.bias, self.eps)
