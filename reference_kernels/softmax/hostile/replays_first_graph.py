"""expected: incorrect, offline unchecked

Replay: captures a CUDA graph over the address of its first input and replays it for every other.
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


def triton_softmax(x, output):
    rows, columns = x.shape
    softmax_kernel[(rows,)](x, output, columns, BLOCK_SIZE=triton.next_power_of_2(columns), num_warps=8)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.graph = None
        self.output = None

    def capture(self, x):
        self.output = torch.empty_like(x)
        triton_softmax(x, self.output)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            triton_softmax(x, self.output)

    def forward(self, x):
        if self.graph is None:
            self.capture(x)
        self.graph.replay()
        return self.output
