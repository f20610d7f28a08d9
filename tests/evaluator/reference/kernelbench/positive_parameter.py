"""accepted

A parameter of which the logarithm is taken, and one that is one number.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.rates = nn.Parameter(torch.arange(1.0, width + 1))
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return (x * torch.log(self.rates) / torch.sqrt(self.temperature)).softmax(-1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return [30]
