"""get_inputs[0]=3

Linear(32 * 6 * 6) takes images of 227 by 227 and no others, so they stay as they are.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 16, 11, stride=4), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Flatten(), nn.Linear(32 * 6 * 6, 64), nn.ReLU(), nn.Linear(64, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)


def get_inputs():
    images = torch.rand(256, 3, 227, 227)
    return [images]


def get_init_inputs():
    return [10]
