"""expected: passed

Control: launches a pipeline of partial sums, their reduction and the affine part, with 64-bit offsets throughout.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 2048
MERGE_SIZE = 1024


@triton.jit
def partial_kernel(x_ptr, mean_ptr, square_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    sample = tl.program_id(axis=0).to(tl.int64)
    block = tl.program_id(axis=1).to(tl.int64)
    offsets = block * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE).to(tl.int64)
    mask = offsets < n_elements
    x = tl.load(x_ptr + sample * n_elements + offsets, mask=mask, other=0.0)
    count = tl.minimum(n_elements - block * BLOCK_SIZE, BLOCK_SIZE).to(tl.float32)
    mean = tl.sum(x, axis=0) / count
    deviation = tl.where(mask, x - mean, 0.0)
    partial = sample * tl.num_programs(axis=1) + block
    tl.store(mean_ptr + partial, mean)
    tl.store(square_ptr + partial, tl.sum(deviation * deviation, axis=0))


@triton.jit
def merge_kernel(
    partial_mean_ptr,
    partial_square_ptr,
    mean_ptr,
    rstd_ptr,
    n_elements,
    n_blocks,
    eps,
    BLOCK_SIZE: tl.constexpr,
    MERGE_SIZE: tl.constexpr,
):
    sample = tl.program_id(axis=0).to(tl.int64)
    lanes = tl.arange(0, MERGE_SIZE).to(tl.int64)

    total = tl.zeros([MERGE_SIZE], dtype=tl.float32)
    for start in range(0, n_blocks, MERGE_SIZE):
        block = start + lanes
        mask = block < n_blocks
        count = tl.minimum(n_elements - block * BLOCK_SIZE, BLOCK_SIZE).to(tl.float32)
        part = tl.load(partial_mean_ptr + sample * n_blocks + block, mask=mask, other=0.0)
        total += tl.where(mask, part * count, 0.0)
    mean = tl.sum(total, axis=0) / n_elements

    squares = tl.zeros([MERGE_SIZE], dtype=tl.float32)
    for start in range(0, n_blocks, MERGE_SIZE):
        block = start + lanes
        mask = block < n_blocks
        count = tl.minimum(n_elements - block * BLOCK_SIZE, BLOCK_SIZE).to(tl.float32)
        part = tl.load(partial_mean_ptr + sample * n_blocks + block, mask=mask, other=0.0)
        square = tl.load(partial_square_ptr + sample * n_blocks + block, mask=mask, other=0.0)
        squares += tl.where(mask, square + (part - mean) * (part - mean) * count, 0.0)

    tl.store(mean_ptr + sample, mean)
    tl.store(rstd_ptr + sample, 1.0 / tl.sqrt(tl.sum(squares, axis=0) / n_elements + eps))


@triton.jit
def apply_kernel(
    x_ptr, weight_ptr, bias_ptr, output_ptr, mean_ptr, rstd_ptr, n_elements, BLOCK_SIZE: tl.constexpr
):
    sample = tl.program_id(axis=0).to(tl.int64)
    offsets = tl.program_id(axis=1).to(tl.int64) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE).to(tl.int64)
    mask = offsets < n_elements
    x = tl.load(x_ptr + sample * n_elements + offsets, mask=mask, other=0.0)
    weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
    bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
    normalised = (x - tl.load(mean_ptr + sample)) * tl.load(rstd_ptr + sample)
    tl.store(output_ptr + sample * n_elements + offsets, normalised * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    x = x.contiguous()
    n_elements = weight.numel()
    n_samples = x.numel() // n_elements
    n_blocks = triton.cdiv(n_elements, BLOCK_SIZE)
    output = torch.empty_like(x)
    partials = torch.empty((2, n_samples, n_blocks), dtype=torch.float32, device=x.device)
    moments = torch.empty((2, n_samples), dtype=torch.float32, device=x.device)
    partial_kernel[(n_samples, n_blocks)](
        x, partials[0], partials[1], n_elements, BLOCK_SIZE=BLOCK_SIZE, num_warps=8
    )
    merge_kernel[(n_samples,)](
        partials[0],
        partials[1],
        moments[0],
        moments[1],
        n_elements,
        n_blocks,
        eps,
        BLOCK_SIZE=BLOCK_SIZE,
        MERGE_SIZE=MERGE_SIZE,
        num_warps=8,
    )
    apply_kernel[(n_samples, n_blocks)](
        x,
        weight.contiguous(),
        bias.contiguous(),
        output,
        moments[0],
        moments[1],
        n_elements,
        BLOCK_SIZE=BLOCK_SIZE,
        num_warps=8,
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
