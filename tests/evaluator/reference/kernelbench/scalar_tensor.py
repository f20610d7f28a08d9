"""accepted

A tensor without dimensions, and one that says where it lies.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x, scale):
        return x.sigmoid() * scale


def get_inputs():
    return [torch.randn(20, 64, device="cpu"), torch.tensor(1.5) * torch.rand(())]


def get_init_inputs():
    return []
