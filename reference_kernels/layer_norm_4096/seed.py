import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 256


@triton.jit
def layer_norm_kernel(x_ptr, weight_ptr, bias_ptr, output_ptr, n_columns, eps, BLOCK_SIZE: tl.constexpr):
    """One row in three passes: its mean, the mean squared distance from it, the normalised row. Grid: (rows,)."""
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    total = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        total += tl.load(x_ptr + row + offsets, mask=offsets < n_columns, other=0.0).to(tl.float32)
    mean = tl.sum(total, axis=0) / n_columns

    squares = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_columns
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
        # Beyond the row the distance is the mean itself, which must not count.
        deviation = tl.where(mask, x - mean, 0.0)
        squares += deviation * deviation
    rstd = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / n_columns + eps)

    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_columns
        x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
        bias = tl.load(bias_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
        # The store rounds to the output's dtype.
        tl.store(output_ptr + row + offsets, (x - mean) * rstd * weight + bias, mask=mask)


def triton_layer_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float) -> torch.Tensor:
    """LayerNorm over the last axis, in the shape and dtype of x; weight and bias have one value per column."""
    x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
    n_columns = x.shape[-1]
    output = torch.empty_like(x)
    layer_norm_kernel[(x.numel() // n_columns,)](
        x,
        weight,
        bias,
        output,
        n_columns,
        eps,
        BLOCK_SIZE=BLOCK_SIZE,
        num_warps=4,
        num_stages=3,
    )
    return output


class ModelNew(nn.Module):
    """LayerNorm over the rows, with weight and bias."""

    def __init__(self, columns: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.bias = nn.Parameter(torch.zeros(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return triton_layer_norm(x, self.weight, self.bias, self.eps)
