"""accepted

A parameter beside a layer, of a shape that is an argument.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, cin, cout, size, shape):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, size)
        self.bias = nn.Parameter(torch.randn(shape))

    def forward(self, x):
        return torch.relu(self.conv(x)) + self.bias


def get_inputs():
    return [torch.rand(2, 3, 10, 10)]


def get_init_inputs():
    return [3, 5, 3, (5, 1, 1)]
