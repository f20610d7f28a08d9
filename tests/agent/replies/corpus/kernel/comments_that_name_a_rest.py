import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def scale_kernel(x_ptr, y_ptr, n, factor, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    # The rest of the row is masked out.
    # the rest is zero
    # Remainder is n % BLOCK
    # the remainder is masked
    # The rest stays in registers
    # Rest as one vector
    # The rest of the kernel is memory bound, so this stays simple.
    # rest of kernel: store
    # unchanged since the last version: the mask
    # ... and here the previous row's mean is used
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x * factor, mask=mask)


def scale(x, factor):
    y = torch.empty_like(x)
    n = x.numel()
    scale_kernel[(triton.cdiv(n, 1024),)](x, y, n, factor, BLOCK=1024)
    return y


class ModelNew(nn.Module):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return scale(x, self.factor)
