"""expected: incorrect, offline passed

Timing: computes the first rows on a side stream for which its own stream never waits.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(
    x_ptr, output_ptr, first_row, last_row, n_columns, ROWS: tl.constexpr, BLOCK_SIZE: tl.constexpr
):
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    for index in range(ROWS):
        row = first_row + tl.program_id(axis=0) * ROWS + index
        if row < last_row:
            start = row.to(tl.int64) * n_columns
            x = tl.load(x_ptr + start + offsets, mask=mask, other=float("-inf"))
            exponentials = tl.exp(x - tl.max(x, axis=0))
            tl.store(output_ptr + start + offsets, exponentials / tl.sum(exponentials, axis=0), mask=mask)


def softmax_of_rows(x, output, first, last, rows_per_program):
    columns = x.shape[1]
    softmax_kernel[(triton.cdiv(last - first, rows_per_program),)](
        x,
        output,
        first,
        last,
        columns,
        ROWS=rows_per_program,
        BLOCK_SIZE=triton.next_power_of_2(columns),
        num_warps=8,
    )


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.side = None

    def forward(self, x):
        rows = x.shape[0]
        late = max(1, rows // 16)
        output = torch.empty_like(x)
        softmax_of_rows(x, output, late, rows, 1)
        if self.side is None:
            self.side = torch.cuda.Stream()
        self.side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.side):
            softmax_of_rows(x, output, 0, late, 4)
        return output
