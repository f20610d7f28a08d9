"""expected: passed

Control: lets triton.autotune choose block and warps of both of its kernels among several configurations.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

CHUNK = 8192


@triton.autotune(
    configs=[
        triton.Config({"BLOCK_SIZE": 1024}, num_warps=4),
        triton.Config({"BLOCK_SIZE": 2048}, num_warps=8),
        triton.Config({"BLOCK_SIZE": 4096}, num_warps=8),
    ],
    key=["n_elements"],
)
@triton.jit
def moments_kernel(x_ptr, mean_ptr, square_ptr, n_elements, CHUNK: tl.constexpr, BLOCK_SIZE: tl.constexpr):
    sample = tl.program_id(axis=0)
    chunk = tl.program_id(axis=1)
    row = sample.to(tl.int64) * n_elements
    first = chunk * CHUNK
    last = tl.minimum(first + CHUNK, n_elements)

    total = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(first, last, BLOCK_SIZE):
        offsets = start + tl.arange(0, BLOCK_SIZE)
        total += tl.load(x_ptr + row + offsets, mask=offsets < last, other=0.0)
    mean = tl.sum(total, axis=0) / (last - first)

    squares = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(first, last, BLOCK_SIZE):
        offsets = start + tl.arange(0, BLOCK_SIZE)
        mask = offsets < last
        deviation = tl.where(mask, tl.load(x_ptr + row + offsets, mask=mask, other=0.0) - mean, 0.0)
        squares += deviation * deviation

    partial = sample * tl.num_programs(axis=1) + chunk
    tl.store(mean_ptr + partial, mean)
    tl.store(square_ptr + partial, tl.sum(squares, axis=0))


@triton.autotune(
    configs=[
        triton.Config({"BLOCK_SIZE": 1024}, num_warps=4),
        triton.Config({"BLOCK_SIZE": 2048}, num_warps=4),
        triton.Config({"BLOCK_SIZE": 8192}, num_warps=16),
    ],
    key=["n_elements"],
)
@triton.jit
def normalise_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    output_ptr,
    mean_ptr,
    square_ptr,
    n_elements,
    eps,
    CHUNK: tl.constexpr,
    N_CHUNKS: tl.constexpr,
    BLOCK_SIZE: tl.constexpr,
):
    sample = tl.program_id(axis=0)
    n_chunks = tl.cdiv(n_elements, CHUNK)
    chunk = tl.arange(0, N_CHUNKS)
    there = chunk < n_chunks
    count = tl.where(there, tl.minimum(n_elements - chunk * CHUNK, CHUNK), 0).to(tl.float32)
    means = tl.load(mean_ptr + sample * n_chunks + chunk, mask=there, other=0.0)
    squares = tl.load(square_ptr + sample * n_chunks + chunk, mask=there, other=0.0)
    mean = tl.sum(means * count, axis=0) / n_elements
    squares += (means - mean) * (means - mean) * count
    rstd = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / n_elements + eps)

    row = sample.to(tl.int64) * n_elements
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0)
    weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
    bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
    tl.store(output_ptr + row + offsets, (x - mean) * rstd * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    x = x.contiguous()
    n_elements = weight.numel()
    n_samples = x.numel() // n_elements
    n_chunks = triton.cdiv(n_elements, CHUNK)
    output = torch.empty_like(x)
    means = torch.empty((n_samples, n_chunks), dtype=torch.float32, device=x.device)
    squares = torch.empty_like(means)
    moments_kernel[(n_samples, n_chunks)](x, means, squares, n_elements, CHUNK=CHUNK)
    normalise_kernel[lambda meta: (n_samples, triton.cdiv(n_elements, meta["BLOCK_SIZE"]))](
        x,
        weight,
        bias,
        output,
        means,
        squares,
        n_elements,
        eps,
        CHUNK=CHUNK,
        N_CHUNKS=triton.next_power_of_2(n_chunks),
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
