"""refused: two Models with the same state_dict

A random tensor that is no parameter.
"""

import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.randn(30, 30)

    def forward(self, x):
        return x @ self.weight


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
