"""refused: output 0 is complex64

A spectrum.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.fft.fft(x)


def get_inputs():
    return [torch.randn(20, 30)]


def get_init_inputs():
    return []
