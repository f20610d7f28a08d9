"""accepted

One tensor under two names of the state_dict.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, rows, columns):
        super().__init__()
        self.table = nn.Embedding(rows, columns)
        self.head = nn.Linear(columns, rows, bias=False)
        self.head.weight = self.table.weight

    def forward(self, index):
        return self.head(self.table(index))


def get_inputs():
    return [torch.randint(0, 50, (16, 7))]


def get_init_inputs():
    return [50, 32]
