"""refused: two Models with the same state_dict

A random buffer that is not persistent.
"""

import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.randn(30, 30), persistent=False)

    def forward(self, x):
        return x @ self.weight


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
