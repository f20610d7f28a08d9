"""refused: input 0 is a dict

Inputs by name.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, batch):
        return batch["x"].softmax(-1)


def get_inputs():
    return [{"x": torch.randn(20, 30)}]


def get_init_inputs():
    return []
