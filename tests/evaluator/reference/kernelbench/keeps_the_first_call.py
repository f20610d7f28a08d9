"""refused: from call to call

The first inputs decide all later answers.
"""

import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = None

    def forward(self, x):
        self.mean = x.mean() if self.mean is None else self.mean
        return (x - self.mean).softmax(-1) + self.mean


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
