"""refused: input 0 is complex64

Complex numbers to begin with.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x.abs()


def get_inputs():
    return [torch.randn(20, 30, dtype=torch.complex64)]


def get_init_inputs():
    return []
