"""accepted

An input that is one row seen many times is handed over whole.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x, scale):
        return x * scale


def get_inputs():
    return [torch.randn(20, 30), torch.rand(1, 30).expand(20, 30)]


def get_init_inputs():
    return []
