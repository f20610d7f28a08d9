"""accepted

Draws its inputs with numpy.
"""

import numpy as np
import torch


class Model(torch.nn.Module):
    def forward(self, x):
        return torch.cumprod(x, dim=1)


def get_inputs():
    return [torch.from_numpy(np.random.rand(20, 30).astype("float32")) + 0.5]


def get_init_inputs():
    return []
