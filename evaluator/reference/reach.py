"""How many bytes a reference's forward has to move, seen by changing single elements: a floor that holds.

An embedding reads few rows of its table, a strided window leaves elements out, and zeros of a triangle are known,
so an honest kernel may be faster than reading every input once. Counted is only what was seen to matter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import torch

from .oracle import Oracle

_LEAST = 1 << 20
"""Bytes; smaller tensors are not counted."""
_LARGEST = 6
_PROBES = 20
"""Elements of each of the largest tensors that are changed, one by one."""
_CAUTION = 0.5
"""Of a share that is not the whole, which so few probes may overstate."""


def floor_bytes(oracle: Oracle, seconds: float = 1.0) -> int:
    """Bytes that one forward at these shapes reads and writes at least.

    What was not tried when the seconds are over is not counted.
    """
    with torch.no_grad():
        probe = _Probe(oracle)
        until = time.monotonic() + seconds
        read = [_bytes(one) * _counted(probe.share(one, until)) for one in probe.tensors()]
        return int(sum(read) + sum(_bytes(one) for one in probe.base))


class _Probe:
    """One set of inputs and parameters whose elements are changed in place, and changed back."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._inputs, other = (oracle.draw_inputs("nominal") for _ in range(2))
        pairs = zip(self._inputs, other, strict=True)
        self._known = [not isinstance(one, torch.Tensor) or torch.equal(one, two) for one, two in pairs]
        self._parameters = {name: tensor.clone() for name, tensor in oracle.parameters.items()}
        self.base = self._answer()
        self._stable = all(
            torch.equal(one, again) for one, again in zip(self.base, self._answer(), strict=True)
        )

    def tensors(self) -> list[torch.Tensor]:
        """The largest that a kernel cannot know beforehand: no buffers, and no inputs that are always the same."""
        found = [
            *self._trained(),
            *(a for a, known in zip(self._inputs, self._known, strict=True) if not known),
        ]
        return sorted((one for one in found if _size(one) >= _LEAST), key=_size, reverse=True)[:_LARGEST]

    def _trained(self) -> Iterator[torch.Tensor]:
        """Each parameter once, however many names it has."""
        yield from (self._parameters[name] for name in self._oracle.trained())

    def share(self, tensor: torch.Tensor, until: float) -> float:
        """Of sampled elements those whose change shows in an output; 0 when the time is up before."""
        flat = tensor.view(-1)
        hits = 0
        for place in torch.randint(flat.numel(), (_PROBES,)).tolist():
            if time.monotonic() > until:
                return 0.0
            hits += self._matters(flat, place)
        return hits / _PROBES

    def _matters(self, flat: torch.Tensor, place: int) -> bool:
        before = flat[place].clone()
        if before == 0 and flat.is_floating_point():  # may always be zero there
            return False
        try:
            return any(self._changed(flat, place, value) for value in _others(flat))
        finally:
            flat[place] = before

    def _changed(self, flat: torch.Tensor, place: int, value: Any) -> bool:
        flat[place] = value
        return self._shows(self._answer())

    def _shows(self, outputs: list[torch.Tensor]) -> bool:
        """NaN where there was none, or anything else where answers repeat to the bit."""
        if any(bool(one.isnan().any()) for one in outputs if one.is_floating_point()):
            return True
        return self._stable and any(not torch.equal(*pair) for pair in zip(outputs, self.base, strict=True))

    def _answer(self) -> list[torch.Tensor]:
        return [one.clone() for one in self._oracle.answer(self._inputs, self._parameters)]


def _others(flat: torch.Tensor) -> list[Any]:
    """NaN, which few operations lose, then the lowest and the highest of all, valid where these are indices.

    NaN in place of a row's maximum changes no argmax.
    """
    ends = [flat.min(), flat.max()]
    return [torch.nan, *ends] if flat.is_floating_point() else ends


def _counted(share: float) -> float:
    return 1.0 if share == 1 else _CAUTION * share


def _size(tensor: torch.Tensor) -> int:
    return int(tensor.numel() * tensor.element_size())


def _bytes(tensor: torch.Tensor) -> float:
    """Without what repeats along an axis, and half of what is symmetric."""
    repeated = (size for axis, size in enumerate(tensor.shape) if size > 1 and _repeats(tensor, axis))
    size: float = _size(tensor) / math.prod(repeated)
    square = tensor.dim() > 1 and tensor.shape[-1] == tensor.shape[-2] > 1
    return size / 2 if square and torch.equal(tensor, tensor.mT) else size


def _repeats(tensor: torch.Tensor, axis: int) -> bool:
    first, last = tensor.select(axis, 0), tensor.select(axis, -1)
    return torch.equal(first, last) and bool((tensor == tensor.narrow(axis, 0, 1)).all())
