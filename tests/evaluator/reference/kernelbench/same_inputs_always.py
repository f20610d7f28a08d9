"""refused: gives the same values every time

Sets a seed before it draws.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x.softmax(-1)


def get_inputs():
    torch.manual_seed(0)
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
