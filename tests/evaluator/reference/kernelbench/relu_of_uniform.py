"""accepted

Its own inputs are positive, where relu changes nothing: other signs have to be tried.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)


def get_inputs():
    return [torch.rand(16, 300)]


def get_init_inputs():
    return []
