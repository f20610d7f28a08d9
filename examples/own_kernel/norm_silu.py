"""Group normalisation followed by SiLU, as it stands before every convolution of a diffusion U-Net."""

import torch
import torch.nn as nn
import torch.nn.functional as F

batch = 8
channels = 512
groups = 32
height = 64
width = 64


class Model(nn.Module):
    def __init__(self, groups: int, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(self.norm(x))


def get_inputs():
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [groups, channels]
