"""LayerNorm over the rows in bf16, in PyTorch: what every kernel of this task must agree with."""

import torch
import torch.nn as nn
import torch.nn.functional as F

rows = 32768
columns = 4096


class Model(nn.Module):
    """Normalises each row, then scales and shifts it column by column."""

    def __init__(self, columns: int):
        super().__init__()
        # Held here by their own names, so that a ModelNew with weight and bias takes this state_dict as it is.
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.bias = nn.Parameter(torch.zeros(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


def get_inputs():
    return [torch.randn(rows, columns, dtype=torch.bfloat16)]


def get_init_inputs():
    return [columns]
