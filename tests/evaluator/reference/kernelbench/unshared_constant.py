"""refused: two Models with the same state_dict

A random tensor of the file.
"""

import torch

WEIGHT = torch.randn(30, 30)


class Model(torch.nn.Module):
    def forward(self, x):
        return x @ WEIGHT


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
