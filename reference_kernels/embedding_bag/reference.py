"""Weighted sums of table rows, in PyTorch: what every kernel of this task must agree with."""

import torch
import torch.nn as nn
import torch.nn.functional as F

rows = 1048576
columns = 128
bags = 65536
bag_length = 32


class Model(nn.Module):
    """For each bag, the sum of the table's rows at its indices, each times its scale; a row may come twice."""

    def __init__(self, rows: int, columns: int):
        super().__init__()
        # Held here by its own name, so that a ModelNew with a weight takes this state_dict as it is.
        self.weight = nn.Parameter(torch.randn(rows, columns))

    def forward(self, indices: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
        return F.embedding_bag(indices, self.weight, mode="sum", per_sample_weights=scales)


def get_inputs():
    return [torch.randint(rows, (bags, bag_length)), torch.randn(bags, bag_length)]


def get_init_inputs():
    return [rows, columns]
