"""Small kernel files in the shapes that people and models write: what is written where, and how it is launched."""

from __future__ import annotations

HEAD = """\
import functools
import itertools
import math

import torch
import torch.nn as nn
import triton
import triton.language as tl

"""
COPY = """\
@triton.jit
def copy_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + offsets, tl.load(x_ptr + offsets, mask=offsets < n), mask=offsets < n)


"""
ROWS = """\
@triton.jit
def row_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, n, BLOCK):
        offsets = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + tl.program_id(0) * n + offsets, mask=offsets < n, other=0.0)
    tl.store(y_ptr + tl.program_id(0), tl.sum(total))


"""
PRODUCT = """\
@triton.jit
def product_kernel(a_ptr, b_ptr, c_ptr, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    rows, columns = tl.program_id(0) * BM + tl.arange(0, BM), tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros([BM, BN], dtype=tl.float32)
    for step in range(0, tl.cdiv(k, BK)):
        inner = step * BK + tl.arange(0, BK)
        a = tl.load(a_ptr + rows[:, None] * k + inner[None, :])
        b = tl.load(b_ptr + inner[:, None] * n + columns[None, :])
        total = tl.dot(a, b, total)
    tl.store(c_ptr + rows[:, None] * n + columns[None, :], total)


"""
COPIES = "copy_kernel[(triton.cdiv(x.numel(), BLOCK),)](x, y, x.numel(), BLOCK=BLOCK)"
PRODUCES = "product_kernel[grid](a, b, c, m, n, k, BM=BM, BN=BN, BK=BK)"


def forward(*lines: str, before: str = "", kernel: str = COPY, init: str = "", cls: str = "") -> str:
    """A file with one kernel, what stands before ModelNew, and these lines in its forward."""
    body = "".join(f"        {line}\n" for line in ("y = torch.empty_like(x)", *lines, "return y"))
    fields = f"    def __init__(self):\n        super().__init__()\n        {init}\n\n" if init else ""
    attributes = f"    {cls}\n\n" if cls else ""
    ahead = f"{before}\n\n\n" if before else ""
    return f"{HEAD}{kernel}{ahead}class ModelNew(nn.Module):\n{attributes}{fields}    def forward(self, x):\n{body}"


def autotuned(configs: str, before: str = "", kernel: str = COPY, name: str = "copy_kernel") -> str:
    """A file whose only kernel chooses among these configs."""
    ahead = f"{before}\n\n\n" if before else ""
    decorated = f'{ahead}@triton.autotune(configs={configs}, key=["n"])\n{kernel}'
    size = 'meta["BLOCK"]'
    launch = f"{name}[lambda meta: (triton.cdiv(x.numel(), {size}),)](x, y, x.numel())"
    return forward(launch, kernel=decorated)
