"""refused: from call to call

Another answer every time.
"""

import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x.softmax(-1) * self.calls


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
