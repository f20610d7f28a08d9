"""accepted

Weights of ones and zeros that have to show.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.rand(4, 6, 9, 9)]


def get_init_inputs():
    return [6, 3]
