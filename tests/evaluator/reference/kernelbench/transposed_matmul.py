"""accepted

Inputs that get_inputs transposes are handed over contiguous.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, a, b):
        return torch.matmul(a.T, b.T)


def get_inputs():
    return [torch.randn(20, 30).T.contiguous().T, torch.randn(20, 30).T]


def get_init_inputs():
    return []
