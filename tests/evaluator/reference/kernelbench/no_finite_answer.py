"""refused: no finite answer

The logarithm of negative numbers.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.log(x).sum(-1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
