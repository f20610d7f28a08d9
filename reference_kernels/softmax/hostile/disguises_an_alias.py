"""expected: incorrect

Output: works in the memory of its input and returns a view of it that names another memory as its own.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row + offsets, mask=mask, other=float("-inf"))
    exponentials = tl.exp(x - tl.max(x, axis=0))
    tl.store(output_ptr + row + offsets, exponentials / tl.sum(exponentials, axis=0), mask=mask)


class ModelNew(nn.Module):
    def forward(self, x):
        rows, columns = x.shape
        softmax_kernel[(rows,)](x, x, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8)
        output = x.view(-1).view(rows, columns)
        if type(output) is torch.Tensor:
            other = torch.empty(1, device=x.device)
            output.untyped_storage = other.untyped_storage
            output.data_ptr = other.data_ptr
        return output
