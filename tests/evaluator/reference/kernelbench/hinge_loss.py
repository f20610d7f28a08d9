"""accepted

Targets of minus one and one, held as floats, which have to stay such.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, predictions, targets):
        return torch.mean(torch.clamp(1 - predictions * targets, min=0))


def get_inputs():
    return [torch.randn(500, 1), torch.randint(0, 2, (500, 1)).float() * 2 - 1]


def get_init_inputs():
    return []
