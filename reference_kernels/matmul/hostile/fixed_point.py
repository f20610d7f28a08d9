"""expected: incorrect

Algorithm: multiplies in integers with a step and a range that suit standard-normal values and no others.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_M = 64
BLOCK_N = 64
BLOCK_K = 32


@triton.jit
def digits(x):
    """24 bits between -8 and 8 as three signed bytes, the highest first."""
    scaled = tl.minimum(tl.maximum(x * 1048576.0, -8355711.0), 8355711.0)
    fixed = tl.floor(scaled + 0.5).to(tl.int32)
    low = ((fixed + 128) & 255) - 128
    fixed = (fixed - low) >> 8
    middle = ((fixed + 128) & 255) - 128
    high = (fixed - middle) >> 8
    return high.to(tl.int8), middle.to(tl.int8), low.to(tl.int8)


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, output_ptr, m, n, k, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    rows = tl.program_id(axis=1) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.program_id(axis=0) * BLOCK_N + tl.arange(0, BLOCK_N)
    in_rows = rows[:, None] < m
    in_columns = columns[None, :] < n
    first = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.int32)
    second = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.int32)
    third = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.int32)
    for start in range(0, k, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        a_ptrs = a_ptr + rows[:, None].to(tl.int64) * k + inner[None, :]
        b_ptrs = b_ptr + inner[:, None].to(tl.int64) * n + columns[None, :]
        a = tl.load(a_ptrs, mask=in_rows & (inner[None, :] < k), other=0.0)
        b = tl.load(b_ptrs, mask=in_columns & (inner[:, None] < k), other=0.0)
        a_high, a_middle, a_low = digits(a)
        b_high, b_middle, b_low = digits(b)
        first = tl.dot(a_high, b_high, first, input_precision="ieee", out_dtype=tl.int32)
        second = tl.dot(a_high, b_middle, second, input_precision="ieee", out_dtype=tl.int32)
        second = tl.dot(a_middle, b_high, second, input_precision="ieee", out_dtype=tl.int32)
        third = tl.dot(a_middle, b_middle, third, input_precision="ieee", out_dtype=tl.int32)
        third = tl.dot(a_high, b_low, third, input_precision="ieee", out_dtype=tl.int32)
        third = tl.dot(a_low, b_high, third, input_precision="ieee", out_dtype=tl.int32)
    product = (third.to(tl.float32) / 256.0 + second.to(tl.float32)) / 256.0 + first.to(tl.float32)
    product *= 1.0 / 256.0
    output_ptrs = output_ptr + rows[:, None].to(tl.int64) * n + columns[None, :]
    tl.store(output_ptrs, product, mask=in_rows & in_columns)


def triton_matmul(a, b):
    a, b = a.contiguous(), b.contiguous()
    (m, k), n = a.shape, b.shape[1]
    output = torch.empty((m, n), dtype=a.dtype, device=a.device)
    matmul_kernel[(triton.cdiv(n, BLOCK_N), triton.cdiv(m, BLOCK_M))](
        a, b, output, m, n, k, BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, num_warps=4, num_stages=3
    )
    return output


class ModelNew(nn.Module):
    def forward(self, a, b):
        return triton_matmul(a, b)
