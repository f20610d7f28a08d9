"""refused: input 0 is a sparse_coo tensor

A sparse matrix.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, a, b):
        return torch.sparse.mm(a, b)


def get_inputs():
    return [torch.eye(20).to_sparse(), torch.randn(20, 30)]


def get_init_inputs():
    return []
