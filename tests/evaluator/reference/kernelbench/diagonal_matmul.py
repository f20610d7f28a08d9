"""accepted

A vector stands for a diagonal matrix.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, a, b):
        return torch.diag(a) @ b


def get_inputs():
    return [torch.randn(40), torch.randn(40, 30)]


def get_init_inputs():
    return []
