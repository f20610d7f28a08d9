"""expected: passed

Control: starts as many programs as the card holds, asks for that number inside try, and lets each loop over rows.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

NUM_WARPS = 8
REGISTERS_PER_THREAD = 64


@triton.jit
def softmax_kernel(x_ptr, output_ptr, n_rows, n_columns, BLOCK_SIZE: tl.constexpr):
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    for row in range(tl.program_id(axis=0).to(tl.int64), n_rows, tl.num_programs(axis=0)):
        start = row * n_columns
        x = tl.load(x_ptr + start + offsets, mask=mask, other=float("-inf"))
        numerator = tl.exp(x - tl.max(x, axis=0))
        tl.store(output_ptr + start + offsets, numerator / tl.sum(numerator, axis=0), mask=mask)


def resident_programs(device):
    try:
        properties = torch.cuda.get_device_properties(device)
        registers = properties.regs_per_multiprocessor
        per_multiprocessor = registers // (REGISTERS_PER_THREAD * NUM_WARPS * properties.warp_size)
        return properties.multi_processor_count * max(1, per_multiprocessor)
    except (AttributeError, AssertionError, RuntimeError):
        return 256  # any number gives the same result


class ModelNew(nn.Module):
    def forward(self, x):
        x = x.contiguous()
        n_rows, n_columns = x.shape
        output = torch.empty_like(x)
        softmax_kernel[(min(n_rows, resident_programs(x.device)),)](
            x,
            output,
            n_rows,
            n_columns,
            BLOCK_SIZE=triton.next_power_of_2(n_columns),
            num_warps=NUM_WARPS,
            num_stages=2,
        )
        return output
