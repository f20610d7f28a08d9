"""refused: from call to call

A buffer that changes the answer.
"""

import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("average", torch.zeros(30))

    def forward(self, x):
        self.average.mul_(0.9).add_(x.mean(0), alpha=0.1)
        return x.tanh() - self.average


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
