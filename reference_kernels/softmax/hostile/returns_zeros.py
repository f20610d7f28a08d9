"""expected: incorrect

Output: returns zeros, from which all but a few probabilities differ by less than a hundredth.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(output_ptr, n_elements, n_columns, BLOCK_SIZE: tl.constexpr):
    offsets = tl.program_id(axis=0).to(tl.int64) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_elements
    tl.store(output_ptr + offsets, tl.zeros([BLOCK_SIZE], dtype=tl.float32), mask=mask)


def triton_softmax(x):
    output = torch.empty_like(x)
    softmax_kernel[(triton.cdiv(x.numel(), 4096),)](output, x.numel(), x.shape[1], BLOCK_SIZE=4096)
    return output


class ModelNew(nn.Module):
    def forward(self, x):
        return triton_softmax(x)
