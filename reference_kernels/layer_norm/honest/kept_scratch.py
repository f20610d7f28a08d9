"""expected: passed

Control: keeps the buffer of its partial sums in the module and writes it anew, in place, in every call.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024
PARTS = 64


@triton.jit
def partial_kernel(x_ptr, partial_ptr, n_elements, n_blocks, BLOCK_SIZE: tl.constexpr):
    sample = tl.program_id(axis=0)
    block = tl.program_id(axis=1)
    offsets = block * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + sample.to(tl.int64) * n_elements + offsets, mask=mask, other=0.0)
    mean = tl.sum(x, axis=0) / tl.minimum(n_elements - block * BLOCK_SIZE, BLOCK_SIZE)
    deviation = tl.where(mask, x - mean, 0.0)
    pair_ptr = partial_ptr + (sample * n_blocks + block) * 2
    tl.store(pair_ptr, mean)
    tl.store(pair_ptr + 1, tl.sum(deviation * deviation, axis=0))


@triton.jit
def normalise_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    output_ptr,
    partial_ptr,
    n_elements,
    n_blocks,
    eps,
    BLOCK_SIZE: tl.constexpr,
    N_BLOCKS: tl.constexpr,
    PARTS: tl.constexpr,
):
    """Merges a sample's partials, then normalises one of the PARTS parts of it."""
    sample = tl.program_id(axis=0)
    block = tl.arange(0, N_BLOCKS)
    there = block < n_blocks
    count = tl.where(there, tl.minimum(n_elements - block * BLOCK_SIZE, BLOCK_SIZE), 0).to(tl.float32)
    pair_ptr = partial_ptr + (sample * n_blocks + block) * 2
    means = tl.load(pair_ptr, mask=there, other=0.0)
    squares = tl.load(pair_ptr + 1, mask=there, other=0.0)
    mean = tl.sum(means * count, axis=0) / n_elements
    squares += (means - mean) * (means - mean) * count
    rstd = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / n_elements + eps)

    row = sample.to(tl.int64) * n_elements
    for number in range(tl.program_id(axis=1), n_blocks, PARTS):
        offsets = number * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
        mask = offsets < n_elements
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
        bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
        tl.store(output_ptr + row + offsets, (x - mean) * rstd * weight + bias, mask=mask)


class ModelNew(nn.Module):
    def __init__(self, normalized_shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))
        self.eps = 1e-5
        self.scratch = {}

    def partials(self, x, n_samples, n_blocks):
        key = (x.device, n_samples, n_blocks)
        if key not in self.scratch:
            self.scratch[key] = torch.empty((n_samples, n_blocks, 2), dtype=torch.float32, device=x.device)
        return self.scratch[key]

    def forward(self, x):
        x, weight, bias, eps = x.contiguous(), self.weight, self.bias, self.eps
        n_elements = weight.numel()
        n_samples = x.numel() // n_elements
        n_blocks = triton.cdiv(n_elements, BLOCK_SIZE)
        partials = self.partials(x, n_samples, n_blocks)
        output = torch.empty_like(x)
        partial_kernel[(n_samples, n_blocks)](x, partials, n_elements, n_blocks, BLOCK_SIZE=BLOCK_SIZE)
        normalise_kernel[(n_samples, PARTS)](
            x,
            weight,
            bias,
            output,
            partials,
            n_elements,
            n_blocks,
            eps,
            BLOCK_SIZE=BLOCK_SIZE,
            N_BLOCKS=triton.next_power_of_2(n_blocks),
            PARTS=PARTS,
        )
        return output
