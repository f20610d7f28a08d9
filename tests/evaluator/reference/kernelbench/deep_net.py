"""accepted

Thirty layers: parameters that grew with every redraw would not stay finite.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(30)))
        self.last = nn.Linear(width, 8)

    def forward(self, x):
        return self.last(self.layers(x) + x)


def get_inputs():
    return [torch.rand(20, 64)]


def get_init_inputs():
    return [64]
