"""expected: incorrect

Gives every row of a bag to a program of its own, which adds to an output that nobody has cleared.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def embedding_bag_kernel(
    indices_ptr, scales_ptr, weight_ptr, output_ptr, bag_length, n_columns, BLOCK_SIZE: tl.constexpr
):
    bag = tl.program_id(axis=0).to(tl.int64)
    columns = tl.arange(0, BLOCK_SIZE)
    mask = columns < n_columns

    place = bag * bag_length + tl.program_id(axis=1)
    index = tl.load(indices_ptr + place)
    scale = tl.load(scales_ptr + place)
    row = tl.load(weight_ptr + index * n_columns + columns, mask=mask, other=0.0)
    tl.atomic_add(output_ptr + bag * n_columns + columns, scale * row, mask=mask)


def triton_embedding_bag(indices, scales, weight):
    bags, bag_length = indices.shape
    n_columns = weight.shape[1]
    output = torch.empty((bags, n_columns), device=weight.device)
    embedding_bag_kernel[(bags, bag_length)](
        indices,
        scales,
        weight,
        output,
        bag_length,
        n_columns,
        BLOCK_SIZE=triton.next_power_of_2(n_columns),
        num_warps=4,
    )
    return output


class ModelNew(nn.Module):
    def __init__(self, rows, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, columns))

    def forward(self, indices, scales):
        return triton_embedding_bag(indices, scales, self.weight)
