"""expected: passed

Control: orders its tiles in groups that share what lies in L2, with 64-bit offsets and an autotuned tile.
"""

import torch.nn as nn
import triton
import triton.language as tl


@triton.autotune(
    configs=[
        triton.Config({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "GROUP": 8}, num_warps=4, num_stages=3),
        triton.Config({"BLOCK_M": 128, "BLOCK_N": 64, "BLOCK_K": 16, "GROUP": 8}, num_warps=8, num_stages=3),
    ],
    key=["m", "n", "k"],
)
@triton.jit
def matmul_kernel(
    a_ptr,
    b_ptr,
    output_ptr,
    m,
    n,
    k,
    a_stride,
    b_stride,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
    GROUP: tl.constexpr,
):
    m_tiles = tl.cdiv(m, BLOCK_M)
    n_tiles = tl.cdiv(n, BLOCK_N)
    group = tl.program_id(axis=0) // (GROUP * n_tiles)
    in_group = tl.program_id(axis=0) % (GROUP * n_tiles)
    height = tl.minimum(m_tiles - group * GROUP, GROUP)
    rows = (group * GROUP + in_group % height).to(tl.int64) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = (in_group // height).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    inner = tl.arange(0, BLOCK_K).to(tl.int64)
    in_rows = rows[:, None] < m
    in_columns = columns[None, :] < n
    product = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        a_ptrs = a_ptr + rows[:, None] * a_stride + (start + inner)[None, :]
        b_ptrs = b_ptr + (start + inner)[:, None] * b_stride + columns[None, :]
        a = tl.load(a_ptrs, mask=in_rows & (inner[None, :] < k - start), other=0.0)
        b = tl.load(b_ptrs, mask=in_columns & (inner[:, None] < k - start), other=0.0)
        product = tl.dot(a, b, product, input_precision="ieee")
    tl.store(output_ptr + rows[:, None] * n + columns[None, :], product, mask=in_rows & in_columns)


class ModelNew(nn.Module):
    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        m, k = a.shape
        n = b.shape[1]
        output = a.new_empty((m, n))
        matmul_kernel[lambda meta: (triton.cdiv(m, meta["BLOCK_M"]) * triton.cdiv(n, meta["BLOCK_N"]),)](
            a, b, output, m, n, k, a.stride(0), b.stride(0)
        )
        return output
