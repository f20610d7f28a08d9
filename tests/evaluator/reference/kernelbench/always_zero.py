"""refused: nothing but zeros

A clamp that leaves nothing.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.clamp(torch.min(x, torch.zeros_like(x)), min=0, max=1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
