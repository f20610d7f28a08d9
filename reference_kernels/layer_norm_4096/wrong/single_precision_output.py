"""expected: incorrect

Returns fp32, in which it computes, where the reference returns bf16.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def layer_norm_kernel(x_ptr, weight_ptr, bias_ptr, output_ptr, n_columns, eps, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
    bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)

    mean = tl.sum(x, axis=0) / n_columns
    deviation = tl.where(mask, x - mean, 0.0)
    rstd = 1.0 / tl.sqrt(tl.sum(deviation * deviation, axis=0) / n_columns + eps)
    tl.store(output_ptr + row + offsets, deviation * rstd * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    rows, columns = x.shape
    output = torch.empty_like(x, dtype=torch.float32)
    layer_norm_kernel[(rows,)](
        x, weight, bias, output, columns, eps, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8
    )
    return output


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.bias = nn.Parameter(torch.zeros(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x):
        return triton_layer_norm(x, self.weight, self.bias, self.eps)
