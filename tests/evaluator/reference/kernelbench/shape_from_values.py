"""refused: depends on the values of its inputs

As many outputs as there are positive inputs.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x[x > 0] * 2


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
