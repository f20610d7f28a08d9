"""expected: passed

Control: lays the second factor out anew in every call, transposed, so that both factors are read along their rows.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_M = 64
BLOCK_N = 64
BLOCK_K = 32


@triton.jit
def matmul_kernel(
    a_ptr, bt_ptr, output_ptr, m, n, k, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    rows = tl.program_id(axis=0) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.program_id(axis=1) * BLOCK_N + tl.arange(0, BLOCK_N)
    in_rows = rows[:, None] < m
    in_columns = columns[:, None] < n
    product = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        inner = (start + tl.arange(0, BLOCK_K))[None, :]
        a = tl.load(a_ptr + rows[:, None].to(tl.int64) * k + inner, mask=in_rows & (inner < k), other=0.0)
        bt_ptrs = bt_ptr + columns[:, None].to(tl.int64) * k + inner
        bt = tl.load(bt_ptrs, mask=in_columns & (inner < k), other=0.0)
        product = tl.dot(a, tl.trans(bt), product, input_precision="ieee")
    output_ptrs = output_ptr + rows[:, None].to(tl.int64) * n + columns[None, :]
    tl.store(output_ptrs, product, mask=in_rows & (columns[None, :] < n))


class ModelNew(nn.Module):
    def forward(self, a, b):
        a, bt = a.contiguous(), b.t().contiguous()
        (m, k), n = a.shape, bt.shape[0]
        output = torch.empty((m, n), dtype=a.dtype, device=a.device)
        matmul_kernel[(triton.cdiv(m, BLOCK_M), triton.cdiv(n, BLOCK_N))](
            a,
            bt,
            output,
            m,
            n,
            k,
            BLOCK_M=BLOCK_M,
            BLOCK_N=BLOCK_N,
            BLOCK_K=BLOCK_K,
            num_warps=4,
            num_stages=3,
        )
        return output
