"""Secret values for a reference's parameters and buffers, so that an affine part of ones and zeros shows."""

from __future__ import annotations

import torch

_CONSTANT = 0.5
_KEPT, _NEW = 0.6, 0.8
"""Shares of the old and of the new values; their squares add up to one, so that the spread stays."""


def redrawn(model: torch.nn.Module, initial: dict[str, torch.Tensor], device: str) -> dict[str, torch.Tensor]:
    """A new value for each entry of a state_dict, on that device, from torch's global generator."""
    trained = dict(model.named_parameters(remove_duplicate=False))
    return {name: _redrawn(name, tensor.to(device), name in trained) for name, tensor in initial.items()}


def _redrawn(name: str, tensor: torch.Tensor, trained: bool) -> torch.Tensor:
    """Running statistics move too; other buffers are part of what the function is, and stay."""
    if not tensor.is_floating_point() or not tensor.numel():
        return tensor
    last = name.rpartition(".")[2]
    if trained or last == "running_mean":
        return moved(tensor)
    return moved(tensor.abs()) if last == "running_var" else tensor


def moved(tensor: torch.Tensor) -> torch.Tensor:
    """Other values of the same scale, and of the same sign where all have one.

    Constants get a spread of half their size, zeros of one half.
    """
    old = tensor if tensor.dtype == torch.float64 else tensor.float()
    least, most = float(old.min()), float(old.max())
    if not (abs(least) < float("inf") and abs(most) < float("inf")):
        return tensor
    if least == most == 0:
        new = _CONSTANT * torch.randn_like(old)
    elif least == most or least > 0 or most < 0:
        new = old * (1 + _CONSTANT * 3**0.5 * (2 * torch.rand_like(old) - 1))
    else:
        mean = old.mean()
        new = mean + _KEPT * (old - mean) + _NEW * old.std(correction=0) * torch.randn_like(old)
    return new.to(tensor.dtype)
