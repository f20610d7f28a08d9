"""expected: rejected

Algorithm: calls the reference itself, imported from its package, and touches one row in Triton.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

try:
    from kernelwright.reference_kernels.matmul.reference import Model
except ImportError:

    class Model(nn.Module):
        def forward(self, a, b):
            return torch.matmul(a, b)


@triton.jit
def first_tile_kernel(x_ptr, width, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(axis=0) * n + tl.arange(0, BLOCK)
    mask = tl.arange(0, BLOCK) < width
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=mask), mask=mask)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Model()

    def forward(self, a, b):
        output = self.model(a, b)
        n = output.shape[1]
        first_tile_kernel[(1,)](output, min(n, 1024), n, BLOCK=1024)
        return output
