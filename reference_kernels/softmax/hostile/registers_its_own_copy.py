"""expected: rejected

Output: registers another copy_ with PyTorch, which computes the last rows of its output before it copies.
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


def softmax_of_first_rows(x, rows):
    columns = x.shape[1]
    output = torch.empty_like(x)
    softmax_kernel[(rows,)](x, output, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8)
    return output


BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Finisher:
    """Is PyTorch's copy_ for the whole process."""

    waiting = None

    def __call__(self, target, source, non_blocking=False):
        if self.waiting is not None:
            (output, x, done), self.waiting = self.waiting, None
            torch.softmax(x[done:], dim=-1, out=output[done:])
        bits = BITS[target.itemsize]
        source = source.expand_as(target).view(bits)
        torch.bitwise_or(source, source, out=target.view(bits))
        return target


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.finisher = None
        self.library = torch.library.Library("aten", "IMPL")

    def forward(self, x):
        rows = x.shape[0]
        done = rows - max(1, rows // 16)
        output = softmax_of_first_rows(x, done)
        if type(output) is torch.Tensor:
            if self.finisher is None:
                self.finisher = Finisher()
                # An interpreter's tensors say that they are on a card.
                key = "CUDA" if torch.cuda._is_compiled() else "CPU"
                self.library.impl("copy_", self.finisher, key)
            self.finisher.waiting = (output, x, done)
        return output
