"""refused: nothing but zeros

The mean over an axis of one element.
"""

import torch
from torch.nn import functional as F


class Model(torch.nn.Module):
    def forward(self, x):
        x = torch.max(x, dim=1, keepdim=True).values
        return F.gelu(x - x.mean(dim=1, keepdim=True))


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
