"""expected: passed, offline unchecked

Control: captures one CUDA graph for each address that it is called with, and only replays it over what lies there then.
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
    numerator = tl.exp(x - tl.max(x, axis=0))
    tl.store(output_ptr + row + offsets, numerator / tl.sum(numerator, axis=0), mask=mask)


def launch(x, output):
    softmax_kernel[(x.shape[0],)](
        x, output, x.shape[1], BLOCK_SIZE=triton.next_power_of_2(x.shape[1]), num_warps=8
    )


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.graphs = {}

    def capture(self, x):
        output = torch.empty_like(x)
        launch(x, output)  # compiles, which a capture must not
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            launch(x, output)
        # The input is kept as well: so nobody else can get its address while the graph reads there.
        return graph, output, x

    def forward(self, x):
        x = x.contiguous()
        key = (x.data_ptr(), x.shape)
        if key not in self.graphs:
            self.graphs[key] = self.capture(x)
        graph, output, _ = self.graphs[key]
        graph.replay()
        return output
