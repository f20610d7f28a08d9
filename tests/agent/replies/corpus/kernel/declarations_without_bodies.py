from typing import Protocol, overload
from abc import ABC, abstractmethod
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def scale_kernel(x_ptr, y_ptr, n, factor, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    tl.store(y_ptr + offsets, x * factor, mask=mask)


def scale(x, factor):
    y = torch.empty_like(x)
    n = x.numel()
    scale_kernel[(triton.cdiv(n, 1024),)](x, y, n, factor, BLOCK=1024)
    return y


class Scales(Protocol):
    def scale(self, x) -> float: ...


class Base(ABC):
    @abstractmethod
    def scale(self, x):
        """The factor."""
        ...


@overload
def factor_of(x: int) -> int: ...
@overload
def factor_of(x: float) -> float: ...
def factor_of(x):
    return x


class ModelNew(nn.Module):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return scale(x, self.factor)
