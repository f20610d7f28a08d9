"""expected: rejected

Algorithm: lets torch.matmul do the work, then scales a few rows of the product by one in Triton.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def scale_kernel(x_ptr, scale, n, BLOCK: tl.constexpr):
    columns = tl.program_id(axis=1) * BLOCK + tl.arange(0, BLOCK)
    offsets = tl.program_id(axis=0).to(tl.int64) * n + columns
    mask = columns < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(x_ptr + offsets, x * scale, mask=mask)


class ModelNew(nn.Module):
    def forward(self, a, b):
        output = torch.matmul(a, b)
        rows = max(1, output.shape[0] // 64)
        scale_kernel[(rows, triton.cdiv(output.shape[1], 1024))](output, 1.0, output.shape[1], BLOCK=1024)
        return output
