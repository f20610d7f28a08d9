"""expected: passed

Control: derives block, warps and masking from the row's length in triton.heuristics.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.heuristics(
    {
        "BLOCK_SIZE": lambda args: triton.next_power_of_2(args["n_columns"]),
        "EVEN": lambda args: args["n_columns"] == triton.next_power_of_2(args["n_columns"]),
        "num_warps": lambda args: min(16, max(1, triton.next_power_of_2(args["n_columns"]) // 256)),
    }
)
@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr, EVEN: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.arange(0, BLOCK_SIZE)
    if EVEN:
        x = tl.load(x_ptr + row + offsets)
    else:
        x = tl.load(x_ptr + row + offsets, mask=offsets < n_columns, other=float("-inf"))
    numerator = tl.exp(x - tl.max(x, axis=0))
    result = numerator / tl.sum(numerator, axis=0)
    if EVEN:
        tl.store(output_ptr + row + offsets, result)
    else:
        tl.store(output_ptr + row + offsets, result, mask=offsets < n_columns)


class ModelNew(nn.Module):
    def forward(self, x):
        x = x.contiguous()
        output = torch.empty_like(x)
        softmax_kernel[(x.shape[0],)](x, output, x.shape[1])
        return output
