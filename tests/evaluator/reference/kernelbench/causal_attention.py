"""accepted

A buffer that is the mask, and a product of other tensors in fp32 named in forward.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Model(nn.Module):
    def __init__(self, width, heads, length):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.drop = nn.Dropout(0.0)
        self.register_buffer("mask", torch.tril(torch.ones(length, length)).view(1, 1, length, length))

    def forward(self, x):
        batch, length, width = x.size()
        q, k, v = (
            t.view(batch, length, self.heads, -1).transpose(1, 2) for t in self.qkv(x).split(width, dim=2)
        )
        scores = (q @ k.transpose(-2, -1)).float() * (width // self.heads) ** -0.5
        scores = scores.masked_fill(self.mask[:, :, :length, :length] == 0, float("-inf"))
        return (self.drop(F.softmax(scores, dim=-1)) @ v).transpose(1, 2).reshape(batch, length, width)


def get_inputs():
    return [torch.rand(2, 12, 16)]


def get_init_inputs():
    return [16, 4, 12]
