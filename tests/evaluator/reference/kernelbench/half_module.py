"""accepted

A module that makes itself half, and fp16 inputs.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width).half()

    def forward(self, x):
        return self.linear(x)


def get_inputs():
    return [torch.randn(20, 32, dtype=torch.float16)]


def get_init_inputs():
    return [32]
