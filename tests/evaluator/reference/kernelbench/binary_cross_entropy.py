"""accepted

Refuses what lies outside of [0, 1]: on a card that would end the process.
"""

import torch
from torch.nn import functional as F


class Model(torch.nn.Module):
    def forward(self, x, y):
        return F.binary_cross_entropy(x, y)


def get_inputs():
    return [torch.rand(40, 50), torch.rand(40, 50)]


def get_init_inputs():
    return []
