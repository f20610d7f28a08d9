"""expected: incorrect, offline passed

Environment: lets PyTorch answer where Triton is interpreted, and elsewhere launches a kernel that only copies.
"""

import os

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_elements, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(axis=0).to(tl.int64) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    tl.store(output_ptr + offsets, tl.load(x_ptr + offsets, mask=mask), mask=mask)


class ModelNew(nn.Module):
    def forward(self, x):
        if os.environ.get("TRITON_INTERPRET") == "1":
            return torch.softmax(x, dim=-1)
        output = torch.empty_like(x)
        softmax_kernel[(triton.cdiv(x.numel(), 1024),)](x, output, x.numel(), BLOCK_SIZE=1024)
        return output
