"""expected: incorrect

Output: replaces methods of its output, on the instance, by ones that compute the last rows first.
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


METHODS = ("untyped_storage", "clone", "cpu", "to", "float", "double", "detach", "allclose", "copy_")


def finish_when_used(output, x, done):
    def replaced(name):
        def method(*args, **kwargs):
            for other in METHODS:
                vars(output).pop(other, None)
            output[done:] = torch.softmax(x[done:], dim=-1)
            return getattr(output, name)(*args, **kwargs)

        return method

    for name in METHODS:
        setattr(output, name, replaced(name))


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.checked = False

    def forward(self, x):
        rows = x.shape[0]
        done = rows - max(1, rows // 16) if self.checked else rows
        output = softmax_of_first_rows(x, done)
        if self.checked and type(output) is torch.Tensor:
            finish_when_used(output, x, done)
        self.checked = True
        return output
