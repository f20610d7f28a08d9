"""accepted

Draws its inputs on a card, which is where tensors are made anyway.
"""

import torch


class Model(torch.nn.Module):
    def forward(self, query, key, value):
        return torch.nn.functional.scaled_dot_product_attention(query, key, value)


def get_inputs():
    query = torch.randn(2, 3, 17, 8, device="cuda")
    key = torch.randn(2, 3, 17, 8).cuda()
    return [query, key, torch.randn(2, 3, 17, 8).to(device=torch.device("cuda:0")).to("cuda")]


def get_init_inputs():
    return []
