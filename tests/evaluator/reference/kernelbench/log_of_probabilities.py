"""accepted

Only positive inputs have an answer: the family with other signs is left out.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return -(x * torch.log(x)).sum(-1)


def get_inputs():
    return [torch.rand(32, 60).softmax(-1)]


def get_init_inputs():
    return []
