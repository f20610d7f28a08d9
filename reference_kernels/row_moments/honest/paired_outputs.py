"""expected: passed

Control: writes both outputs in one kernel into one allocation and returns its two halves, with 64-bit offsets.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

ROWS_PER_PROGRAM = 4


@triton.jit
def moments_kernel(
    x_ptr, output_ptr, n_rows, n_columns, ROWS_PER_PROGRAM: tl.constexpr, BLOCK_SIZE: tl.constexpr
):
    rows = tl.program_id(axis=0).to(tl.int64) * ROWS_PER_PROGRAM + tl.arange(0, ROWS_PER_PROGRAM)
    columns = tl.arange(0, BLOCK_SIZE).to(tl.int64)
    in_rows = rows < n_rows
    mask = in_rows[:, None] & (columns[None, :] < n_columns)
    x = tl.load(x_ptr + rows[:, None] * n_columns + columns[None, :], mask=mask, other=0.0)
    mean = tl.sum(x, axis=1) / n_columns
    deviation = tl.where(mask, x - mean[:, None], 0.0)
    variance = tl.sum(deviation * deviation, axis=1) / n_columns
    tl.store(output_ptr + rows, mean, mask=in_rows)
    tl.store(output_ptr + n_rows + rows, variance, mask=in_rows)


class ModelNew(nn.Module):
    def forward(self, x):
        n_rows, n_columns = x.shape
        output = torch.empty((2, n_rows), dtype=x.dtype, device=x.device)
        moments_kernel[(triton.cdiv(n_rows, ROWS_PER_PROGRAM),)](
            x.contiguous(),
            output,
            n_rows,
            n_columns,
            ROWS_PER_PROGRAM=ROWS_PER_PROGRAM,
            BLOCK_SIZE=triton.next_power_of_2(n_columns),
            num_warps=16,
        )
        return output[0], output[1]
