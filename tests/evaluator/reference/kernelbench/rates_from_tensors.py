"""accepted

The constructor reads values out of a tensor.
"""

import torch


class Model(torch.nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.rates = [rate.item() for rate in torch.linspace(0.1, 1, depth)]

    def forward(self, x):
        for rate in self.rates:
            x = torch.tanh(x) * rate + x
        return x


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return [5]
