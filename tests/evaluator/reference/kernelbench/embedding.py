"""accepted

Whole numbers as the only input, and a table of which few rows are read.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, rows, columns):
        super().__init__()
        self.table = nn.Embedding(rows, columns, padding_idx=0)

    def forward(self, index):
        return self.table(index).sum(1)


def get_inputs():
    return [torch.randint(0, 1000, (16, 7))]


def get_init_inputs():
    return [1000, 32]
