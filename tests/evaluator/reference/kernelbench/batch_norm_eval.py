"""accepted

Running statistics decide: the variance has to stay positive.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm1d(channels).eval()

    def train(self, mode=True):
        return self

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.randn(20, 6, 9)]


def get_init_inputs():
    return [6]
