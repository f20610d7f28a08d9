"""get_inputs[0]=3, get_inputs[1]=71, get_inputs[2]=69

Four halvings and a window of 5: a smaller image would leave pooling nothing to pool.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(8, 8, 5, padding=2, groups=2) for _ in range(4))

    def forward(self, x):
        x = x.unsqueeze(1).expand(-1, 8, -1, -1)
        for layer in self.layers:
            x = F.max_pool2d(F.silu(layer(x)), 2)
        return F.adaptive_avg_pool2d(x, 2).flatten(1)


def get_inputs():
    return [torch.randn(64, 224, 224)]


def get_init_inputs():
    return []
