"""refused: takes no tensor

Numbers alone.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(30))

    def forward(self, scale):
        return self.weight * scale


def get_inputs():
    return [2.0]


def get_init_inputs():
    return []
