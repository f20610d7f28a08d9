"""expected: incorrect

Divides a tile's number by the count of tiles in a column instead of in a row.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def linear_gelu_kernel(
    x_ptr,
    weight_ptr,
    bias_ptr,
    output_ptr,
    m,
    n,
    k,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    n_tiles = tl.cdiv(m, BLOCK_M)
    rows = (tl.program_id(axis=0) // n_tiles) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    columns = (tl.program_id(axis=0) % n_tiles) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    product = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        across, down = inner[None, :], inner[:, None]
        x = tl.load(x_ptr + rows * k + across, mask=(rows < m) & (across < k), other=0.0)
        weight = tl.load(weight_ptr + columns * k + down, mask=(down < k) & (columns < n), other=0.0)
        product = tl.dot(x, weight, product)
    total = product + tl.load(bias_ptr + columns, mask=columns < n, other=0.0).to(tl.float32)
    output = 0.5 * total * (1.0 + tl.erf(total * 0.7071067811865476))
    tl.store(output_ptr + rows * n + columns, output.to(tl.bfloat16), mask=(rows < m) & (columns < n))


def triton_linear_gelu(x, weight, bias):
    (m, k), n = x.shape, weight.shape[0]
    output = torch.empty((m, n), dtype=x.dtype, device=x.device)
    grid = (triton.cdiv(m, 64) * triton.cdiv(n, 64),)
    linear_gelu_kernel[grid](
        x, weight, bias, output, m, n, k, BLOCK_M=64, BLOCK_N=64, BLOCK_K=32, num_warps=4
    )
    return output


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_features, in_features, dtype=torch.bfloat16))
        self.bias = nn.Parameter(torch.zeros(out_features, dtype=torch.bfloat16))

    def forward(self, x):
        return triton_linear_gelu(x, self.weight, self.bias)
