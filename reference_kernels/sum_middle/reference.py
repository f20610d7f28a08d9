"""Sums over a middle axis, in PyTorch: what every kernel of this task must agree with."""

import torch
import torch.nn as nn

batch = 128
length = 1000
width = 1024


class Model(nn.Module):
    """Adds up the rows of each matrix of a batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sum(x, dim=1)


def get_inputs():
    return [torch.randn(batch, length, width)]


def get_init_inputs():
    return []
