"""refused: changes its input 'x' in place

Writes to what it is given.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(x).sum(-1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
