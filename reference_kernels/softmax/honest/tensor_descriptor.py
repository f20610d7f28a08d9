"""expected: passed

Control: reads and writes through tensor descriptors where this Triton has them and rows are aligned, else by pointers.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl

try:
    from triton.tools.tensor_descriptor import TensorDescriptor
except ImportError:
    TensorDescriptor = None

BLOCK_SIZE = 256


@triton.jit
def described_kernel(x_desc, output_desc, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    largest = tl.full([1, BLOCK_SIZE], float("-inf"), dtype=tl.float32)
    total = tl.zeros([1, BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        there = (start + tl.arange(0, BLOCK_SIZE) < n_columns)[None, :]
        x = tl.where(there, x_desc.load([row, start]), float("-inf"))
        largest = tl.maximum(largest, x)
    maximum = tl.max(largest)
    for start in range(0, n_columns, BLOCK_SIZE):
        there = (start + tl.arange(0, BLOCK_SIZE) < n_columns)[None, :]
        total += tl.where(there, tl.exp(x_desc.load([row, start]) - maximum), 0.0)
    scale = 1.0 / tl.sum(total)
    for start in range(0, n_columns, BLOCK_SIZE):
        output_desc.store([row, start], tl.exp(x_desc.load([row, start]) - maximum) * scale)


@triton.jit
def pointer_kernel(x_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns
    x = tl.load(x_ptr + row + offsets, mask=mask, other=float("-inf"))
    numerator = tl.exp(x - tl.max(x, axis=0))
    tl.store(output_ptr + row + offsets, numerator / tl.sum(numerator, axis=0), mask=mask)


class ModelNew(nn.Module):
    def forward(self, x):
        x = x.contiguous()
        n_rows, n_columns = x.shape
        output = torch.empty_like(x)
        aligned = n_columns * x.element_size() % 16 == 0
        if TensorDescriptor is None or not aligned:
            pointer_kernel[(n_rows,)](x, output, n_columns, BLOCK_SIZE=triton.next_power_of_2(n_columns))
            return output
        block = [1, BLOCK_SIZE]
        described_kernel[(n_rows,)](
            TensorDescriptor.from_tensor(x, block),
            TensorDescriptor.from_tensor(output, block),
            n_columns,
            BLOCK_SIZE=BLOCK_SIZE,
            num_warps=2,
        )
        return output
