"""expected: passed

Control: launches the largest pipeline of a table first and, when the card has no room for it, the next smaller one.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl
from triton.runtime.errors import OutOfResources

PIPELINES = (
    {"BLOCK_M": 128, "BLOCK_N": 64, "BLOCK_K": 32, "num_warps": 8, "num_stages": 12},
    {"BLOCK_M": 128, "BLOCK_N": 64, "BLOCK_K": 32, "num_warps": 8, "num_stages": 3},
    {"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 16, "num_warps": 4, "num_stages": 2},
)


@triton.jit
def matmul_kernel(
    a_ptr, b_ptr, output_ptr, m, n, k, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr
):
    rows = tl.program_id(axis=1) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.program_id(axis=0) * BLOCK_N + tl.arange(0, BLOCK_N)
    in_rows = rows[:, None] < m
    in_columns = columns[None, :] < n
    product = tl.zeros([BLOCK_M, BLOCK_N], dtype=tl.float32)
    for start in range(0, k, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        a_ptrs = a_ptr + rows[:, None].to(tl.int64) * k + inner[None, :]
        b_ptrs = b_ptr + inner[:, None].to(tl.int64) * n + columns[None, :]
        a = tl.load(a_ptrs, mask=in_rows & (inner[None, :] < k), other=0.0)
        b = tl.load(b_ptrs, mask=in_columns & (inner[:, None] < k), other=0.0)
        product = tl.dot(a, b, product, input_precision="ieee")
    output_ptrs = output_ptr + rows[:, None].to(tl.int64) * n + columns[None, :]
    tl.store(output_ptrs, product, mask=in_rows & in_columns)


def launch(a, b, output, pipeline):
    (m, k), n = a.shape, b.shape[1]
    grid = (triton.cdiv(n, pipeline["BLOCK_N"]), triton.cdiv(m, pipeline["BLOCK_M"]))
    matmul_kernel[grid](a, b, output, m, n, k, **pipeline)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = 0

    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        output = torch.empty((a.shape[0], b.shape[1]), dtype=a.dtype, device=a.device)
        while True:
            try:
                launch(a, b, output, PIPELINES[self.first])
                return output
            except OutOfResources:
                if self.first + 1 == len(PIPELINES):
                    raise
                self.first += 1
