"""refused: get_inputs or forward calls exit"""

import sys

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)


def get_inputs():
    sys.exit("nothing to draw")


def get_init_inputs():
    return []
