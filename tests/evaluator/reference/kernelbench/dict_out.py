"""refused: returns a dict

Outputs by name.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return {"answer": x.softmax(-1)}


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
