"""expected: incorrect

Writes zeros, which a loose absolute tolerance lets pass.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def zero_kernel(x_ptr, output_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(axis=0).to(tl.int64) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    tl.store(output_ptr + offsets, tl.zeros([BLOCK_SIZE], dtype=tl.float32), mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    output = torch.empty_like(x)
    zero_kernel[(triton.cdiv(x.numel(), 1024),)](x, output, x.numel(), BLOCK_SIZE=1024, num_warps=4)
    return output


class ModelNew(nn.Module):
    def __init__(self, normalized_shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))
        self.eps = 1e-5

    def forward(self, x):
        return triton_layer_norm(x, self.weight, self.bias, self.eps)
