"""expected: timeout, offline unchecked

Waits at the start for a flag that no program sets, as a botched barrier does.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def layer_norm_kernel(
    x_ptr, weight_ptr, bias_ptr, output_ptr, flag_ptr, n_elements, eps, BLOCK_SIZE: tl.constexpr
):
    row = tl.program_id(axis=0).to(tl.int64) * n_elements
    lanes = tl.arange(0, BLOCK_SIZE)

    # Bounded, and yet longer than anybody waits.
    spins = tl.full([], 0, dtype=tl.int64)
    flag = tl.load(flag_ptr, volatile=True)
    while (flag == 0) & (spins < 1 << 50):
        flag = tl.load(flag_ptr, volatile=True)
        spins += 1

    total = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_elements, BLOCK_SIZE):
        total += tl.load(x_ptr + row + start + lanes, mask=start + lanes < n_elements, other=0.0)
    mean = tl.sum(total, axis=0) / n_elements

    squares = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_elements, BLOCK_SIZE):
        mask = start + lanes < n_elements
        x = tl.load(x_ptr + row + start + lanes, mask=mask, other=0.0)
        squares += tl.where(mask, (x - mean) * (x - mean), 0.0)
    rstd = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / n_elements + eps)

    for start in range(0, n_elements, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_elements
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0)
        bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0)
        tl.store(output_ptr + row + offsets, (x - mean) * rstd * weight + bias, mask=mask)


def triton_layer_norm(x, weight, bias, eps):
    n_elements = weight.numel()
    output = torch.empty_like(x)
    flag = torch.zeros(1, dtype=torch.int32, device=x.device)
    layer_norm_kernel[(x.numel() // n_elements,)](
        x, weight, bias, output, flag, n_elements, eps, BLOCK_SIZE=4096, num_warps=8
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
