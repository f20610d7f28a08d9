"""get_inputs[0]=3, get_inputs[2]=35, get_inputs[3]=35, get_init_inputs[0]=37

Residual blocks of 256 channels, of which no size takes any away, and pooling that suits every image.
"""

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.two = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return torch.relu(self.two(torch.relu(self.norm(self.one(x)))) + x)


class Model(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 256, 7, 4, 3), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(Block(256), nn.MaxPool2d(2), Block(256))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, classes))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


def get_inputs():
    return [torch.rand(10, 3, 224, 224)]


def get_init_inputs():
    return [1000]
