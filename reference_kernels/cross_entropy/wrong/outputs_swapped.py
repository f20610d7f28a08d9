"""expected: incorrect

Returns log-sum-exp and loss in the order in which they are computed.
"""

import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def cross_entropy_kernel(logits_ptr, targets_ptr, loss_ptr, log_sum_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(axis=0)
    row_ptr = logits_ptr + row.to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    maximum = float("-inf")
    total = 0.0
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        x = tl.load(row_ptr + offsets, mask=offsets < n_columns, other=float("-inf"))
        larger = tl.maximum(maximum, tl.max(x, axis=0))
        total = total * tl.exp(maximum - larger) + tl.sum(tl.exp(x - larger), axis=0)
        maximum = larger
    log_sum = maximum + tl.log(total)

    logit = tl.load(row_ptr + tl.load(targets_ptr + row))
    tl.store(loss_ptr + row, log_sum - logit)
    tl.store(log_sum_ptr + row, log_sum)


def triton_cross_entropy(logits, targets):
    rows, columns = logits.shape
    loss = torch.empty(rows, device=logits.device)
    log_sum = torch.empty(rows, device=logits.device)
    cross_entropy_kernel[(rows,)](logits, targets, loss, log_sum, columns, BLOCK_SIZE=256, num_warps=4)
    return log_sum, loss


class ModelNew(nn.Module):
    def forward(self, logits, targets):
        return triton_cross_entropy(logits, targets)
