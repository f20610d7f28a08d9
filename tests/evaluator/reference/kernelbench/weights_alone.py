"""refused: does not depend on its inputs

Returns what follows from its parameters.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(30, 40)

    def forward(self, x):
        return self.linear.weight.tanh()


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
