"""expected: incorrect

Returns the fp32 sums as they are; the reference returns fp16.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, output_ptr, m, n, k, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    n_tiles = tl.cdiv(n, BLOCK_N)
    rows = (tl.program_id(axis=0) // n_tiles) * BLOCK_M + tl.arange(0, BLOCK_M)[:, None]
    columns = (tl.program_id(axis=0) % n_tiles) * BLOCK_N + tl.arange(0, BLOCK_N)[None, :]
    product = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        across, down = inner[None, :], inner[:, None]
        a = tl.load(a_ptr + rows * k + across, mask=(rows < m) & (across < k), other=0.0)
        b = tl.load(b_ptr + down * n + columns, mask=(down < k) & (columns < n), other=0.0)
        product = tl.dot(a, b, product)
    tl.store(output_ptr + rows * n + columns, product, mask=(rows < m) & (columns < n))


def triton_matmul(a, b):
    (m, k), n = a.shape, b.shape[1]
    output = torch.empty((m, n), device=a.device, dtype=torch.float32)
    grid = (triton.cdiv(m, 64) * triton.cdiv(n, 64),)
    matmul_kernel[grid](a, b, output, m, n, k, BLOCK_M=64, BLOCK_N=64, BLOCK_K=32, num_warps=4)
    return output


class ModelNew(nn.Module):
    def forward(self, a, b):
        return triton_matmul(a, b)
