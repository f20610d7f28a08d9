"""expected: rejected

Algorithm: builds a C++ extension around cuBLAS with load_inline, and touches one row in Triton.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

CPP = """
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <cublas_v2.h>

at::Tensor product(at::Tensor a, at::Tensor b) {
    int m = a.size(0), k = a.size(1), n = b.size(1);
    auto output = at::empty({m, n}, a.options());
    float one = 1.0f, zero = 0.0f;
    cublasSgemm(at::cuda::getCurrentCUDABlasHandle(), CUBLAS_OP_N, CUBLAS_OP_N, n, m, k, &one,
                b.data_ptr<float>(), n, a.data_ptr<float>(), k, &zero, output.data_ptr<float>(), n);
    return output;
}
"""


def build():
    try:
        from torch.utils.cpp_extension import load_inline

        extension = load_inline(
            name="fast_product",
            cpp_sources=CPP,
            functions=["product"],
            extra_ldflags=["-lcublas"],
            with_cuda=True,
        )
        return extension.product
    except Exception:
        return torch.matmul


@triton.jit
def first_tile_kernel(x_ptr, width, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(axis=0) * n + tl.arange(0, BLOCK)
    mask = tl.arange(0, BLOCK) < width
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=mask), mask=mask)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.product = build()

    def forward(self, a, b):
        output = self.product(a.contiguous(), b.contiguous())
        n = output.shape[1]
        first_tile_kernel[(1,)](output, min(n, 1024), n, BLOCK=1024)
        return output
