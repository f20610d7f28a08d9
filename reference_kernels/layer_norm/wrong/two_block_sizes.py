"""expected: incorrect

Counts blocks of 1024 on the host and sums blocks of 512 in the kernel, so half of each row is left out.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

# The rows' blocks are counted with one size and cut with another.
HOST_BLOCK = 1024
KERNEL_BLOCK = 512


@triton.jit
def partial_sums_kernel(x_ptr, sum_ptr, square_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_elements
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    x = tl.load(x_ptr + row + offsets, mask=offsets < n_elements, other=0.0)
    partial = tl.program_id(axis=0) * tl.num_programs(axis=1) + tl.program_id(axis=1)
    tl.store(sum_ptr + partial, tl.sum(x, axis=0))
    tl.store(square_ptr + partial, tl.sum(x * x, axis=0))


@triton.jit
def normalise_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    output_ptr,
    sum_ptr,
    square_ptr,
    n_elements,
    n_blocks,
    eps,
    BLOCK_SIZE: tl.constexpr,
):
    row = tl.program_id(axis=0).to(tl.int64) * n_elements
    total = 0.0
    squares = 0.0
    for block in range(n_blocks):
        total += tl.load(sum_ptr + tl.program_id(axis=0) * n_blocks + block)
        squares += tl.load(square_ptr + tl.program_id(axis=0) * n_blocks + block)
    mean = total / n_elements
    rstd = 1.0 / tl.sqrt(squares / n_elements - mean * mean + eps)
    for start in range(0, n_elements, BLOCK_SIZE):
        offsets = start + tl.arange(0, BLOCK_SIZE)
        mask = offsets < n_elements
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
        bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
        tl.store(output_ptr + row + offsets, (x - mean) * rstd * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    n_elements = weight.numel()
    n_samples = x.numel() // n_elements
    n_blocks = triton.cdiv(n_elements, HOST_BLOCK)
    output = torch.empty_like(x)
    sums = torch.empty((n_samples, n_blocks), device=x.device)
    squares = torch.empty((n_samples, n_blocks), device=x.device)
    partial_sums_kernel[(n_samples, n_blocks)](x, sums, squares, n_elements, BLOCK_SIZE=KERNEL_BLOCK)
    normalise_kernel[(n_samples,)](
        x, weight, bias, output, sums, squares, n_elements, n_blocks, eps, BLOCK_SIZE=HOST_BLOCK
    )
    return output


class ModelNew(nn.Module):
    def __init__(self, normalized_shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))
        self.eps = 1e-5

    def forward(self, x):
        return triton_layer_norm(x, self.weight, self.bias, self.eps)
