"""refused: does not run: RuntimeError

Shapes that do not fit.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, a, b):
        return a @ b


def get_inputs():
    return [torch.randn(20, 30), torch.randn(20, 30)]


def get_init_inputs():
    return []
