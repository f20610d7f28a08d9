"""Families of inputs: what a kernel is checked on, as elementwise maps of what a task's get_inputs drew.

Each map is a function of an element's value alone and leaves zero where it is, so a triangular or a symmetric
matrix remains one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

_SAMPLE = 1 << 16
_LEVELS = 8
_OFTEN = 32


@dataclass(frozen=True)
class Character:
    """What one floating-point input is like, found by `characterise` from two of its draws."""

    spread: float
    """Standard deviation of its finite values."""
    kept: bool
    """Whether it stays as drawn in all families: a mask, targets of few values, a table that never changes."""
    one_sided: bool
    """Whether its values all have the same sign."""
    unit: bool
    """Whether they all lie between 0 and 1."""


def characterise(first: torch.Tensor, second: torch.Tensor) -> Character:
    """From two draws with different seeds, by looking at up to 65,536 of their elements."""
    places = _places(first)
    one, other = (draw.flatten()[places].double() for draw in (first, second))
    finite = one[torch.isfinite(one)]
    count, levels = one.numel(), one.unique().numel()
    few = levels <= max(min(_LEVELS, count // 2), count // _OFTEN)
    return Character(
        spread=float(finite.std(correction=0)) if finite.numel() else 0.0,
        kept=few or torch.equal(one, other),
        one_sided=bool((one >= 0).all() or (one <= 0).all()),
        unit=bool(((one >= 0) & (one <= 1)).all()),
    )


def _places(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.numel() <= _SAMPLE:
        return torch.arange(tensor.numel(), device=tensor.device)
    return torch.randint(tensor.numel(), (_SAMPLE,), device=tensor.device)


Map = Callable[[torch.Tensor, Character, int], torch.Tensor]
"""From values in fp32 or fp64, what they are like and a secret salt to the family's values."""


def _shifted(spreads: float) -> Map:
    return lambda x, own, _: torch.where(x == 0, x, x + spreads * own.spread)


def _sparse(x: torch.Tensor, own: Character, salt: int) -> torch.Tensor:
    """Nine in ten are zero, one in ten thousand is a hundred times larger."""
    chance = _chance(x, salt)
    return torch.where(chance < 0.9, 0.0, torch.where(chance > 0.9999, x * 100, x))


def _signed(x: torch.Tensor, own: Character, salt: int) -> torch.Tensor:
    """Every other value has the other sign: what is right for positive values only shows."""
    return torch.where(_chance(x, salt) < 0.5, -x, x)


def _infinite(x: torch.Tensor, own: Character, salt: int) -> torch.Tensor:
    """One value, wherever it occurs, is infinite."""
    if not x.numel():
        return x
    flat = x.flatten()
    chosen = flat[[(salt >> shift) % flat.numel() for shift in range(16)]].abs().max()
    return torch.where((x.abs() == chosen) & (x != 0), torch.inf, x)


def _chance(x: torch.Tensor, salt: int) -> torch.Tensor:
    """A number in [0, 1) for each element that follows from its magnitude and the salt, and looks random."""
    mixed = x.abs().float().view(torch.int32) ^ (salt & 0x7FFFFFFF)
    for shift in (16, 15):
        mixed.mul_(0x45D9F3B)
        mixed.bitwise_xor_((mixed >> shift) & 0xFFFF)
    return mixed.bitwise_and_(0xFFFFFF).float() / (1 << 24)


FAMILIES: dict[str, Map] = {
    "nominal": lambda x, own, _: x,
    "small": lambda x, own, _: x * 0.01,
    "large": lambda x, own, _: x * 8,
    "sparse": _sparse,
    "shifted": _shifted(1),
    "signed": _signed,
    "shifted_10": _shifted(10),
    "shifted_1000": _shifted(1000),
    "huge": lambda x, own, _: x * 1e3,
    "denormal": lambda x, own, _: x * 1e-39,
    "infinite": _infinite,
}


def mapped(
    family: str, value: torch.Tensor, own: Character, salt: int, bounded: bool = False
) -> torch.Tensor:
    """A draw brought into one family, in its own dtype; ``bounded`` holds what lay in [0, 1] there."""
    if family == "nominal" or own.kept:
        return value
    wide = value if value.dtype == torch.float64 else value.float()
    result = FAMILIES[family](wide, own, salt)
    return (result.clamp(0, 1) if bounded and own.unit else result).to(value.dtype)
