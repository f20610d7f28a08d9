"""accepted

In training mode: its running statistics change with every call, and no answer does.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(num_features=channels)

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.rand(4, 6, 9, 9)]


def get_init_inputs():
    return [6]
