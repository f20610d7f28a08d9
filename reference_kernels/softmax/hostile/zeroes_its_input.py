"""expected: rejected

Output: zeroes its input and returns the answer for zeros, with which a reference computed later agrees.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_elements, n_columns, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(axis=0).to(tl.int64) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    zeros = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    tl.store(x_ptr + offsets, zeros, mask=mask)
    tl.store(output_ptr + offsets, zeros + 1.0 / n_columns, mask=mask)


def triton_softmax(x):
    output = torch.empty_like(x)
    softmax_kernel[(triton.cdiv(x.numel(), 4096),)](x, output, x.numel(), x.shape[1], BLOCK_SIZE=4096)
    return output


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_softmax(x)
