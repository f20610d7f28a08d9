"""accepted

Keyword defaults and tuples among the constructor's arguments.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, cin, cout, size: tuple, stride: tuple = (1, 1), bias: bool = False):
        super().__init__()
        self.conv = nn.ConvTranspose2d(cin, cout, size, stride=stride, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


def get_inputs():
    return [torch.rand(2, 4, 8, 9)]


def get_init_inputs():
    return [4, 5, (3, 2)]
