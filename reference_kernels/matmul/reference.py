"""A matrix product in PyTorch: what every kernel of this task must agree with."""

import torch
import torch.nn as nn

m = 4096
k = 2048
n = 4096


class Model(nn.Module):
    """Multiplies a, of m rows and k columns, with b, of k rows and n columns."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.matmul(a, b)


def get_inputs():
    return [torch.randn(m, k), torch.randn(k, n)]


def get_init_inputs():
    return []
