"""A matrix product in fp16, in PyTorch: what every kernel of this task must agree with."""

import torch
import torch.nn as nn

m = 4096
k = 4096
n = 4096


class Model(nn.Module):
    """Multiplies a, of m rows and k columns, with b, of k rows and n columns."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.matmul(a, b)


def get_inputs():
    return [torch.randn(m, k, dtype=torch.float16), torch.randn(k, n, dtype=torch.float16)]


def get_init_inputs():
    return []
