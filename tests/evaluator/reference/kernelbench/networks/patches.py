"""get_inputs[2]=37, get_inputs[3]=35, get_init_inputs[0]=33, get_init_inputs[2]=16

Patches of 16 by 16 with a position for each: as many in a ragged image as places in the model.
"""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, image, patch, width, heads, classes):
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.place = nn.Parameter(torch.randn(1, (image // patch) ** 2, width))
        self.layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True)
        self.last = nn.Linear(width, classes)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2) + self.place
        return self.last(self.layer(x).mean(1))


def get_inputs():
    return [torch.rand(2, 3, 224, 224)]


def get_init_inputs():
    return [224, 16, 64, 4, 10]
