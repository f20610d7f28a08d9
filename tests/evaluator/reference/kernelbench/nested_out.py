"""refused: output 1 is a tuple with tensors in it

A tuple in a tuple, as an LSTM returns it.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 10)

    def forward(self, x):
        return self.lstm(x)


def get_inputs():
    return [torch.randn(4, 9, 6)]


def get_init_inputs():
    return []
