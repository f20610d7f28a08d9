"""expected: passed, offline unchecked

Control: replays a CUDA graph after copying both factors to where it reads, and returns a copy of what it has written.
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


def launch(a, b, output):
    (m, k), n = a.shape, b.shape[1]
    matmul_kernel[(triton.cdiv(n, BLOCK_N), triton.cdiv(m, BLOCK_M))](
        a, b, output, m, n, k, BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, num_warps=4, num_stages=3
    )


class Captured:
    def __init__(self, a, b):
        self.a = torch.empty(a.shape, dtype=a.dtype, device=a.device)
        self.b = torch.empty(b.shape, dtype=b.dtype, device=b.device)
        self.output = torch.empty((a.shape[0], b.shape[1]), dtype=a.dtype, device=a.device)
        warm_up = torch.cuda.Stream()
        warm_up.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(warm_up):
            launch(self.a, self.b, self.output)
        torch.cuda.current_stream().wait_stream(warm_up)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            launch(self.a, self.b, self.output)

    def __call__(self, a, b):
        self.a.copy_(a)
        self.b.copy_(b)
        self.graph.replay()
        return self.output.clone()


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.captured = {}

    def forward(self, a, b):
        key = (a.shape, b.shape)
        if key not in self.captured:
            self.captured[key] = Captured(a, b)
        return self.captured[key](a, b)
