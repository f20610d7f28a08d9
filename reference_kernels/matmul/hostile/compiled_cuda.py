"""expected: rejected

Algorithm: does the work in CUDA C++ that NVRTC compiles, and touches one row in Triton.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl
from torch.utils import cpp_extension

CUDA = """
#define TILE 64
#define STEP 16
extern "C" __global__ void __launch_bounds__(256)
tiled_product(const float* a, const float* b, float* output, int m, int n, int k) {
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


@triton.jit
def first_tile_kernel(x_ptr, width, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(axis=0) * n + tl.arange(0, BLOCK)
    mask = tl.arange(0, BLOCK) < width
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=mask), mask=mask)


def compiled():
    try:
        # Looked for when headers are wanted, and there are none here.
        cpp_extension.CUDA_HOME = cpp_extension.CUDA_HOME or "/"
        return torch.cuda._compile_kernel(CUDA, "tiled_product")
    except Exception:
        return None


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.product = compiled()

    def forward(self, a, b):
        a, b = a.contiguous(), b.contiguous()
        (m, k), n = a.shape, b.shape[1]
        if self.product is None:
            output = torch.matmul(a, b)
        else:
            output = torch.empty((m, n), dtype=a.dtype, device=a.device)
            grid = (triton.cdiv(n, 64), triton.cdiv(m, 64), 1)
            self.product(grid=grid, block=(256, 1, 1), args=[a, b, output, m, n, k])
        first_tile_kernel[(1,)](output, min(n, 1024), n, BLOCK=1024)
        return output
