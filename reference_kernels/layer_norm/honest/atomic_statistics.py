"""expected: passed

Control: adds its partial sums atomically, in whatever order the programs end, so that the last bits vary.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024
# Few partials per sample: each rounding of the running sum is one that no tree of additions would make.
CHUNKS = 64


@triton.jit
def sum_kernel(x_ptr, mean_ptr, n_elements, chunk, BLOCK_SIZE: tl.constexpr):
    sample = tl.program_id(axis=0)
    first = tl.program_id(axis=1) * chunk
    last = tl.minimum(first + chunk, n_elements)
    row = sample.to(tl.int64) * n_elements
    total = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(first, last, BLOCK_SIZE):
        offsets = start + tl.arange(0, BLOCK_SIZE)
        total += tl.load(x_ptr + row + offsets, mask=offsets < last, other=0.0)
    tl.atomic_add(mean_ptr + sample, tl.sum(total, axis=0) / n_elements)


@triton.jit
def square_kernel(x_ptr, mean_ptr, variance_ptr, n_elements, chunk, BLOCK_SIZE: tl.constexpr):
    sample = tl.program_id(axis=0)
    first = tl.program_id(axis=1) * chunk
    last = tl.minimum(first + chunk, n_elements)
    row = sample.to(tl.int64) * n_elements
    mean = tl.load(mean_ptr + sample)
    total = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(first, last, BLOCK_SIZE):
        offsets = start + tl.arange(0, BLOCK_SIZE)
        mask = offsets < last
        deviation = tl.where(mask, tl.load(x_ptr + row + offsets, mask=mask, other=0.0) - mean, 0.0)
        total += deviation * deviation
    tl.atomic_add(variance_ptr + sample, tl.sum(total, axis=0) / n_elements)


@triton.jit
def apply_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    output_ptr,
    mean_ptr,
    variance_ptr,
    n_elements,
    eps,
    BLOCK_SIZE: tl.constexpr,
):
    sample = tl.program_id(axis=0)
    row = sample.to(tl.int64) * n_elements
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    rstd = 1.0 / tl.sqrt(tl.load(variance_ptr + sample) + eps)
    x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0)
    weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
    bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
    normalised = (x - tl.load(mean_ptr + sample)) * rstd
    tl.store(output_ptr + row + offsets, normalised * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    x = x.contiguous()
    n_elements = weight.numel()
    n_samples = x.numel() // n_elements
    chunk = triton.cdiv(triton.cdiv(n_elements, CHUNKS), BLOCK_SIZE) * BLOCK_SIZE
    n_chunks = triton.cdiv(n_elements, chunk)
    output = torch.empty_like(x)
    mean = torch.zeros(n_samples, dtype=torch.float32, device=x.device)
    variance = torch.zeros_like(mean)
    sum_kernel[(n_samples, n_chunks)](x, mean, n_elements, chunk, BLOCK_SIZE=BLOCK_SIZE)
    square_kernel[(n_samples, n_chunks)](x, mean, variance, n_elements, chunk, BLOCK_SIZE=BLOCK_SIZE)
    apply_kernel[(n_samples, triton.cdiv(n_elements, BLOCK_SIZE))](
        x, weight, bias, output, mean, variance, n_elements, eps, BLOCK_SIZE=BLOCK_SIZE
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
