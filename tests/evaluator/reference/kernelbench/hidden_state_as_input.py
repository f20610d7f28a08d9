"""accepted

A cell that returns its next state beside the answer.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.step = nn.Linear(width + hidden, hidden)

    def forward(self, x, hidden):
        hidden = torch.tanh(self.step(torch.cat((x, hidden), dim=1)))
        return hidden * 2, hidden


def get_inputs():
    return [torch.rand(8, 6), torch.randn(8, 10)]


def get_init_inputs():
    return [6, 10]
