"""refused: draws random numbers

Dropout in training mode.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.drop(x).softmax(-1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return [0.2]
