"""refused: draws random numbers

Adds noise.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x.tanh() + 0.001 * torch.rand_like(x)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
