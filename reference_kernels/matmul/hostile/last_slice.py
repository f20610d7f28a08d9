"""expected: no_gain, offline passed

Algorithm: gives all but the last 32 steps of the inner axis to torch.mm and adds those to every element in Triton.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_M = 64
BLOCK_N = 64
SLICE = 32


@triton.jit
def add_slice_kernel(
    a_ptr,
    b_ptr,
    output_ptr,
    m,
    n,
    k,
    first,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    SLICE: tl.constexpr,
):
    rows = tl.program_id(axis=1) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.program_id(axis=0) * BLOCK_N + tl.arange(0, BLOCK_N)
    inner = first + tl.arange(0, SLICE)
    in_rows = rows[:, None] < m
    in_columns = columns[None, :] < n
    a_ptrs = a_ptr + rows[:, None].to(tl.int64) * k + inner[None, :]
    b_ptrs = b_ptr + inner[:, None].to(tl.int64) * n + columns[None, :]
    a = tl.load(a_ptrs, mask=in_rows & (inner[None, :] < k), other=0.0)
    b = tl.load(b_ptrs, mask=in_columns & (inner[:, None] < k), other=0.0)
    output_ptrs = output_ptr + rows[:, None].to(tl.int64) * n + columns[None, :]
    product = tl.load(output_ptrs, mask=in_rows & in_columns, other=0.0)
    product = tl.dot(a, b, product, input_precision="ieee")
    tl.store(output_ptrs, product, mask=in_rows & in_columns)


class ModelNew(nn.Module):
    def forward(self, a, b):
        (m, k), n = a.shape, b.shape[1]
        first = max(0, k - SLICE)
        output = torch.mm(a[:, :first], b[:first])
        add_slice_kernel[(triton.cdiv(n, BLOCK_N), triton.cdiv(m, BLOCK_M))](
            a, b, output, m, n, k, first, BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, SLICE=SLICE
        )
        return output
