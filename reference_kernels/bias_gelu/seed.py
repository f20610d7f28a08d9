import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 1024


@triton.jit
def bias_gelu_kernel(x_ptr, bias_ptr, activated_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    """GELU of one block of one row and its bias. Grid: (rows, blocks per row)."""
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns

    x = tl.load(x_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
    z = x + tl.load(bias_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
    # z * sigmoid(2u) is z / 2 * (1 + tanh(u)); 1.5957691 is twice the root of 2 / pi.
    u2 = 1.5957691216057308 * (z + 0.044715 * z * z * z)
    tl.store(activated_ptr + row + offsets, z * tl.sigmoid(u2), mask=mask)


@triton.jit
def add_kernel(activated_ptr, residual_ptr, output_ptr, n_columns, BLOCK_SIZE: tl.constexpr):
    """Sum of one block of one row and its residual. Grid: (rows, blocks per row)."""
    row = tl.program_id(axis=0).to(tl.int64) * n_columns
    offsets = tl.program_id(axis=1) * BLOCK_SIZE + tl.arange(0, BLOCK_SIZE)
    mask = offsets < n_columns

    activated = tl.load(activated_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
    residual = tl.load(residual_ptr + row + offsets, mask=mask, other=0.0).to(tl.float32)
    tl.store(output_ptr + row + offsets, activated + residual, mask=mask)


def triton_bias_gelu(x: torch.Tensor, bias: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
    """GELU of x and the bias of its last axis, plus the residual, in the shape and dtype of x."""
    x, residual = x.contiguous(), residual.contiguous()
    n_columns = x.shape[-1]
    activated = torch.empty_like(x)
    output = torch.empty_like(x)
    grid = (x.numel() // n_columns, triton.cdiv(n_columns, BLOCK_SIZE))
    bias_gelu_kernel[grid](
        x,
        bias.contiguous(),
        activated,
        n_columns,
        BLOCK_SIZE=BLOCK_SIZE,
        num_warps=4,
        num_stages=3,
    )
    add_kernel[grid](
        activated,
        residual,
        output,
        n_columns,
        BLOCK_SIZE=BLOCK_SIZE,
        num_warps=4,
        num_stages=3,
    )
    return output


class ModelNew(nn.Module):
    """A bias, the tanh form of GELU and a residual."""

    def __init__(self, columns: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(columns, dtype=torch.float16))

    def forward(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return triton_bias_gelu(x, self.bias, residual)
