"""accepted

A first state of zeros that forward makes itself, in the default dtype.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(width, hidden, num_layers=2, batch_first=True)
        self.last = nn.Linear(hidden, 3)

    def forward(self, x):
        first = torch.zeros(2, x.size(0), self.hidden, device=x.device)
        out, _ = self.lstm(x, (first, first.clone()))
        return self.last(out[:, -1, :])


def get_inputs():
    return [torch.rand(4, 9, 6)]


def get_init_inputs():
    return [6, 10]
