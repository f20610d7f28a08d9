"""accepted

Casts down and up again on its way, which fp64 does not follow.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return (x.to(torch.bfloat16).float() * 2).softmax(-1)


def get_inputs():
    return [torch.randn(20, 64)]


def get_init_inputs():
    return []
