"""accepted

Two outputs of different dtypes, in a named tuple.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.max(x, dim=1)


def get_inputs():
    return [torch.randn(30, 40)]


def get_init_inputs():
    return []
