"""expected: incorrect

Adds the bias to what GELU gives and not to what it takes.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def bias_gelu_kernel(
    x_ptr, bias_ptr, residual_ptr, output_ptr, n_elements, n_columns, BLOCK_SIZE: tl.constexpr
):
    offsets = tl.program_id(axis=0) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    bias = tl.load(bias_ptr + offsets % n_columns, mask=mask, other=0.0).to(tl.float32)
    residual = tl.load(residual_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    z = x
    u = 0.7978845608028654 * (z + 0.044715 * z * z * z)
    tanh = 2.0 * tl.sigmoid(2.0 * u) - 1.0
    tl.store(output_ptr + offsets, 0.5 * z * (1.0 + tanh) + bias + residual, mask=mask)


def triton_bias_gelu(x, bias, residual):
    output = torch.empty_like(x)
    n_elements, n_columns = x.numel(), x.shape[-1]
    grid = (triton.cdiv(n_elements, 1024),)
    bias_gelu_kernel[grid](x, bias, residual, output, n_elements, n_columns, BLOCK_SIZE=1024, num_warps=4)
    return output


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(columns, dtype=torch.float16))

    def forward(self, x, residual):
        return triton_bias_gelu(x, self.bias, residual)
