"""refused: is a view of an input

Transposes without computing.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return x.transpose(0, 1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
