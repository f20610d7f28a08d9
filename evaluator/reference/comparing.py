"""How far an output is from the exact one, and how far it may be."""

from __future__ import annotations

from dataclasses import dataclass

import torch

NO_EFFECT = 1e-9
"""Of the RMS: what two answers in fp64 may differ by and be the same."""


@dataclass(frozen=True)
class Budget:
    """How far one output may be from the reference, in units of the reference's RMS."""

    largest: float
    """For max |out - expected| / RMS."""
    norm: float
    """For ||out - expected|| / ||expected||."""
    rms: float


def exact_budget(share: float) -> Budget:
    """For whole numbers: the share of elements that may differ, where PyTorch's own rounding decides some."""
    return Budget(share, share, 1.0)


def differing(out: torch.Tensor, exact: torch.Tensor) -> float:
    """Share of the elements in which two outputs of whole numbers differ."""
    return float((out != exact).double().mean()) if out.shape == exact.shape else 1.0


def errors(out: torch.Tensor, exact: torch.Tensor, rms: float) -> tuple[float, float]:
    """Largest error over the RMS, and relative norm of the error; NaN where ``out`` is not finite.

    Goes row by row through the first axis, so that the comparison itself needs little memory.
    """
    largest, squares = 0.0, 0.0
    rows = (out.unsqueeze(0), exact.unsqueeze(0)) if out.dim() == 0 else (out, exact)
    step = max(1, rows[0].shape[0] // max(1, out.numel() // (1 << 23)))
    for start in range(0, rows[0].shape[0], step):
        answer = within(rows[0][start : start + step], out.dtype).double()
        difference = answer - rows[1][start : start + step].double()
        peak = float(difference.abs().max()) if difference.numel() else 0.0
        if not peak < float("inf"):
            return float("nan"), float("nan")
        largest = max(largest, peak)
        squares += float(difference.square().sum())
    return largest / rms, (squares / max(1, out.numel())) ** 0.5 / rms


def apart(one: torch.Tensor, other: torch.Tensor, allowed: float = NO_EFFECT) -> bool:
    """Whether two exact answers differ: whole numbers at all, others by more than ``allowed`` of the RMS."""
    if not other.is_floating_point():
        return not torch.equal(one, other)
    rms = max(float(other.square().mean().sqrt()), 1e-300)
    return not errors(one, other, rms)[0] <= allowed


def within(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Values beyond the dtype's range brought to its ends: there infinity is all that it can say."""
    if not tensor.is_floating_point():
        return tensor
    limit = torch.finfo(dtype).max
    return tensor.clamp(-limit, limit)
