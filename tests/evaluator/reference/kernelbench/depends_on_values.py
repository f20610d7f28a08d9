"""accepted

Goes another way when a value says so: nothing can be said on meta tensors.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        scale = x.abs().max().item()
        return x.softmax(-1) / scale if scale > 1 else x.softmax(-1)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
