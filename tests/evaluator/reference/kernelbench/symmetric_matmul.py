"""accepted

Both inputs are symmetric and stay so.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, a, b):
        return torch.matmul(a, b)


def get_inputs():
    a, b = torch.randn(40, 40), torch.randn(40, 40)
    return [(a + a.T) / 2, (b + b.T) / 2]


def get_init_inputs():
    return []
