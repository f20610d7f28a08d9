"""accepted

int8 and uint8 inputs.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, x, y):
        return x.float() * 0.1 + y.float()


def get_inputs():
    return [
        torch.randint(-128, 128, (20, 30), dtype=torch.int8),
        torch.randint(0, 256, (20, 30), dtype=torch.uint8),
    ]


def get_init_inputs():
    return []
