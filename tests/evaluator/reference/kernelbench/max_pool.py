"""accepted

A stride larger than the window: not every input is needed.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, size, stride):
        super().__init__()
        self.pool = nn.MaxPool2d(size, stride=stride)

    def forward(self, x):
        return self.pool(x)


def get_inputs():
    return [torch.rand(4, 3, 31, 31)]


def get_init_inputs():
    return [2, 3]
