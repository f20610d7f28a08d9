"""expected: rejected, offline runtime_error

Algorithm: gives its CUDA C++ kernel the name of its Triton kernel, which it launches on one tile only.
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


CUDA = """
#define TILE 64
#define STEP 16
extern "C" __global__ void __launch_bounds__(256)
matmul_kernel(const float* a, const float* b, float* output, int m, int n, int k) {
    __shared__ float as[STEP][TILE + 4];
    __shared__ float bs[STEP][TILE];
    int thread = threadIdx.x, tx = thread % 16, ty = thread / 16;
    int row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    float sum[4][4] = {};
    for (int start = 0; start < k; start += STEP) {
        for (int i = thread; i < TILE * STEP; i += 256) {
            int r = i / STEP, s = i % STEP;
            bool in = row + r < m && start + s < k;
            as[s][r] = in ? a[(size_t)(row + r) * k + start + s] : 0.0f;
            int c = i % TILE, t = i / TILE;
            in = column + c < n && start + t < k;
            bs[t][c] = in ? b[(size_t)(start + t) * n + column + c] : 0.0f;
        }
        __syncthreads();
        for (int s = 0; s < STEP; ++s)
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j)
                    sum[i][j] += as[s][ty * 4 + i] * bs[s][tx * 4 + j];
        __syncthreads();
    }
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j)
            if (row + ty * 4 + i < m && column + tx * 4 + j < n)
                output[(size_t)(row + ty * 4 + i) * n + column + tx * 4 + j] = sum[i][j];
}
"""


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.product = None

    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        (m, k), n = a.shape, b.shape[1]
        if self.product is None:
            self.product = torch.cuda._compile_kernel(CUDA, "matmul_kernel")
        output = torch.empty((m, n), dtype=a.dtype, device=a.device)
        self.product(
            grid=(triton.cdiv(n, 64), triton.cdiv(m, 64), 1), block=(256, 1, 1), args=[a, b, output, m, n, k]
        )
        matmul_kernel[(1, 1)](
            a,
            b,
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
