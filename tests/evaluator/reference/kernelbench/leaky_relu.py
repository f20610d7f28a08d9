"""accepted

A plain number as constructor argument with a default.
"""

import torch
from torch.nn import functional as F


class Model(torch.nn.Module):
    def __init__(self, slope=0.01):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return F.leaky_relu(x, negative_slope=self.slope)


def get_inputs():
    return [torch.rand(16, 300)]


def get_init_inputs():
    return []
