"""expected: rejected

Output: leaves a mode of PyTorch switched on that computes the last rows when its output is used.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl
from torch.overrides import TorchFunctionMode


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row + offsets, mask=mask, other=float("-inf"))
    exponentials = tl.exp(x - tl.max(x, axis=0))
    tl.store(output_ptr + row + offsets, exponentials / tl.sum(exponentials, axis=0), mask=mask)


def softmax_of_first_rows(x, rows):
    columns = x.shape[1]
    output = torch.empty_like(x)
    softmax_kernel[(rows,)](x, output, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8)
    return output


class Finisher(TorchFunctionMode):
    """Sees every call of PyTorch's functions, also those of whoever called the model."""

    waiting = None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if self.waiting is not None and func.__name__ in ("copy_", "clone", "to", "cpu", "allclose", "sub"):
            (output, x, done), self.waiting = self.waiting, None
            output[done:] = torch.softmax(x[done:], dim=-1)
        return func(*args, **(kwargs or {}))


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.finisher = None

    def forward(self, x):
        rows = x.shape[0]
        done = rows - max(1, rows // 16)
        output = softmax_of_first_rows(x, done)
        if type(output) is torch.Tensor:
            if self.finisher is None:
                self.finisher = Finisher().__enter__()
            self.finisher.waiting = (output, x, done)
        return output
