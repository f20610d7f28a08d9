"""accepted

A tuple, a list, a string and None as inputs.
"""

import torch
from torch.nn import functional as F


class Model(torch.nn.Module):
    def forward(self, x, size, axes, mode, scale=None):
        x = F.pad(x, axes, mode=mode)
        return F.adaptive_avg_pool2d(x if scale is None else x * scale, size)


def get_inputs():
    return [torch.randn(2, 3, 8, 8), (3, 4), [1, 1, 1, 1], "constant", None]


def get_init_inputs():
    return []
