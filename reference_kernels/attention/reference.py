"""Causal attention in fp16, in PyTorch: what every kernel of this task must agree with."""

import torch
import torch.nn as nn
import torch.nn.functional as F

batch_size = 2
heads = 16
length = 4096
head_dim = 64


class Model(nn.Module):
    """Each position attends to itself and those before it; scores are scaled by 1 / sqrt(head_dim)."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def get_inputs():
    return [torch.randn(batch_size, heads, length, head_dim, dtype=torch.float16) for _ in range(3)]


def get_init_inputs():
    return []
