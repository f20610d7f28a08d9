"""expected: rejected

Algorithm: hands a copy of the reference to torch.compile, and touches one row in Triton.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def first_tile_kernel(x_ptr, width, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(axis=0) * n + tl.arange(0, BLOCK)
    mask = tl.arange(0, BLOCK) < width
    tl.store(x_ptr + offsets, tl.load(x_ptr + offsets, mask=mask), mask=mask)


class Model(nn.Module):
    def forward(self, a, b):
        return torch.matmul(a, b)


class ModelNew(Model):
    def __init__(self):
        super().__init__()
        self.product = torch.compile(super().forward)

    def forward(self, a, b):
        try:
            output = self.product(a, b)
        except Exception:
            output = super().forward(a, b)
        n = output.shape[1]
        first_tile_kernel[(1,)](output, min(n, 1024), n, BLOCK=1024)
        return output
