"""Families of inputs: what a kernel is checked on, drawn from a secret seed."""

from __future__ import annotations

from collections.abc import Callable

import torch

Draw = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
"""From a standard-normal tensor of the right shape and a generator to the family's values, in fp32."""


def _sparse(base: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Nine in ten are zero, one in ten thousand is a hundred times larger."""
    chance = torch.rand(base.shape, generator=generator, device=base.device)
    return torch.where(chance < 0.9, 0.0, torch.where(chance > 0.9999, base * 100, base))


def _infinite(base: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One element in a million, and at least one, is infinite."""
    count = max(1, base.numel() // 1_000_000)
    where = torch.randint(base.numel(), (count,), generator=generator, device=base.device)
    values = base.clone().flatten()
    values[where] = torch.inf
    return values.view(base.shape)


FAMILIES: dict[str, Draw] = {
    "nominal": lambda base, _: base,
    "small": lambda base, _: base * 0.01,
    "large": lambda base, _: base * 8,
    "sparse": _sparse,
    "shifted": lambda base, _: base + 1,
    "shifted_10": lambda base, _: base + 10,
    "shifted_1000": lambda base, _: base + 1000,
    "huge": lambda base, _: base * 1e3,
    "denormal": lambda base, _: base * 1e-39,
    "infinite": _infinite,
}


def draw(family: str, shape: list[int], dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    """Values of one family, of that shape and dtype, on the generator's device."""
    base = torch.randn(shape, generator=generator, device=generator.device)
    return FAMILIES[family](base, generator).to(dtype)


def draw_parameter(original: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A floating-point parameter moved away from its initial value, so that an affine part of ones shows."""
    if not original.is_floating_point():
        return original
    noise = torch.randn(original.shape, generator=generator, device=generator.device)
    return (original.to(generator.device) + 0.5 * noise).to(original.dtype)
