import torch
import torch.nn as nn
import triton
import triton.language as tl

BLOCK_SIZE = 512


@triton.jit
def rms_norm_kernel(x_ptr, weight_ptr, output_ptr, rstd_ptr, n_columns, eps, BLOCK_SIZE: tl.constexpr):
    """One row in two passes: the reciprocal of its root mean square, then the scaled row. Grid: (rows,)."""
    row = tl.program_id(axis=0)
    start_of_row = row.to(tl.int64) * n_columns
    lanes = tl.arange(0, BLOCK_SIZE)

    squares = tl.zeros([BLOCK_SIZE], dtype=tl.float32)
    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        x = tl.load(x_ptr + start_of_row + offsets, mask=offsets < n_columns, other=0.0).to(tl.float32)
        squares += x * x
    rstd = 1.0 / tl.sqrt(tl.sum(squares, axis=0) / n_columns + eps)
    tl.store(rstd_ptr + row, rstd)

    for start in range(0, n_columns, BLOCK_SIZE):
        offsets = start + lanes
        mask = offsets < n_columns
        x = tl.load(x_ptr + start_of_row + offsets, mask=mask, other=0.0).to(tl.float32)
        weight = tl.load(weight_ptr + offsets, mask=mask, other=0.0).to(tl.float32)
        tl.store(output_ptr + start_of_row + offsets, x * rstd * weight, mask=mask)


def triton_rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The scaled rows in the shape and dtype of x, and each row's reciprocal root mean square in fp32."""
    x = x.contiguous()
    n_columns = x.shape[-1]
    output = torch.empty_like(x)
    rstd = torch.empty(x.shape[:-1], dtype=torch.float32, device=x.device)
    rms_norm_kernel[(rstd.numel(),)](
        x,
        weight.contiguous(),
        output,
        rstd,
        n_columns,
        eps,
        BLOCK_SIZE=BLOCK_SIZE,
        num_warps=4,
        num_stages=3,
    )
    return output, rstd


class ModelNew(nn.Module):
    """RMSNorm over the rows, with the rows' reciprocal root mean squares."""

    def __init__(self, columns: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns, dtype=torch.bfloat16))
        self.eps = 1e-5

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return triton_rms_norm(x, self.weight, self.eps)
