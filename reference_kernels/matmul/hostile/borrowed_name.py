"""expected: rejected

Algorithm: gives its CUDA C++ kernel the name, grid, block and registers of a Triton kernel that does nothing.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl
from torch.utils import cpp_extension

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
extern "C" __global__ void __maxnreg__(REGISTERS)
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
            as[s][r] = in ? a[(long long)(row + r) * k + start + s] : 0.0f;
            int c = i % TILE, t = i / TILE;
            in = column + c < n && start + t < k;
            bs[t][c] = in ? b[(long long)(start + t) * n + column + c] : 0.0f;
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
                output[(long long)(row + ty * 4 + i) * n + column + tx * 4 + j] = sum[i][j];
}
"""


def compiled(registers):
    try:
        # Looked for when headers are wanted, and there are none here.
        cpp_extension.CUDA_HOME = cpp_extension.CUDA_HOME or "/"
        source = CUDA.replace("REGISTERS", str(-(-registers // 8) * 8))
        return torch.cuda._compile_kernel(source, "matmul_kernel")
    except Exception:
        return None


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.product = None

    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        (m, k), n = a.shape, b.shape[1]
        output = torch.empty((m, n), dtype=a.dtype, device=a.device)
        grid = (triton.cdiv(n, BLOCK_N), triton.cdiv(m, BLOCK_M), 1)
        empty = matmul_kernel[grid](
            a, b, output, m, n, 0, BLOCK_M=BLOCK_M, BLOCK_N=BLOCK_N, BLOCK_K=BLOCK_K, num_warps=8
        )
        if self.product is None:
            self.product = compiled(getattr(empty, "n_regs", 64))
        if self.product is None:
            return torch.matmul(a, b)
        self.product(grid=grid, block=(256, 1, 1), args=[a, b, output, m, n, k])
        return output
