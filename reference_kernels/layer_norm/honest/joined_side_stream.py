"""expected: passed

Control: normalises half of the samples on a side stream that is forked from the stream of the caller and joined to it.
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


def launch(x, weight, bias, output, partials, eps):
    n_samples, n_blocks, _ = partials.shape
    n_elements = weight.numel()
    if n_samples == 0:
        return
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


class ModelNew(nn.Module):
    def __init__(self, normalized_shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))
        self.eps = 1e-5
        self.side = None

    def forward(self, x):
        x = x.contiguous()
        n_samples = x.numel() // self.weight.numel()
        n_blocks = triton.cdiv(self.weight.numel(), BLOCK_SIZE)
        output = torch.empty_like(x)
        partials = torch.empty((n_samples, n_blocks, 2), dtype=torch.float32, device=x.device)
        half = n_samples // 2
        if self.side is None:
            self.side = torch.cuda.Stream(device=x.device)
        ready, done = torch.cuda.Event(), torch.cuda.Event()
        ready.record()
        with torch.cuda.stream(self.side):
            self.side.wait_event(ready)
            launch(x[:half], self.weight, self.bias, output[:half], partials[:half], self.eps)
            done.record(self.side)
        launch(x[half:], self.weight, self.bias, output[half:], partials[half:], self.eps)
        torch.cuda.current_stream().wait_event(done)
        return output
