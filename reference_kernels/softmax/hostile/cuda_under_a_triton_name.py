"""expected: rejected

Algorithm: computes in CUDA C++ under the name of its own Triton kernel, which works on one row only.
"""

import functools

import torch
import torch.nn as nn
import triton
import triton.language as tl
from torch.utils import cpp_extension


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row + offsets, mask=mask, other=float("-inf"))
    exponentials = tl.exp(x - tl.max(x, axis=0))
    tl.store(output_ptr + row + offsets, exponentials / tl.sum(exponentials, axis=0), mask=mask)


SOURCE = """
__device__ float over_block(float value, bool sum) {
    __shared__ float parts[32];
    for (int step = 16; step > 0; step /= 2) {
        float other = __shfl_xor_sync(0xffffffffu, value, step);
        value = sum ? value + other : fmaxf(value, other);
    }
    __syncthreads();
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[0];
    for (int warp = 1; warp < (int)blockDim.x / 32; warp++)
        value = sum ? value + parts[warp] : fmaxf(value, parts[warp]);
    return value;
}

extern "C" __global__ void softmax_kernel(const float *x, float *output, int columns) {
    const float *from = x + (long long)blockIdx.x * columns;
    float *to = output + (long long)blockIdx.x * columns;
    float largest = __int_as_float(0xff800000);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) largest = fmaxf(largest, from[i]);
    largest = over_block(largest, false);
    float total = 0.0f;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) total += expf(from[i] - largest);
    float scale = 1.0f / over_block(total, true);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) to[i] = expf(from[i] - largest) * scale;
}
"""


@functools.cache
def compiled():
    try:
        # Looked for when headers are wanted, and there are none here.
        cpp_extension.CUDA_HOME = cpp_extension.CUDA_HOME or "/"
        return torch.cuda._compile_kernel(SOURCE, "softmax_kernel")
    except Exception:
        return None


class ModelNew(nn.Module):
    def forward(self, x):
        rows, columns = x.shape
        output = torch.empty_like(x)
        softmax_kernel[(1,)](x, output, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8)
        cuda_kernel = compiled()
        if cuda_kernel is None:
            return torch.softmax(x, dim=-1)
        cuda_kernel(grid=(rows, 1, 1), block=(512, 1, 1), args=[x, output, columns])
        return output
