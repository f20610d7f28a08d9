"""Kernels that take addresses from memory: indices are drawn where the count has no data.

With zeros for all data such a kernel would read one place over and over. So it is counted once more with indices
drawn evenly, below the size of an axis of the tensors that it gathers from or scatters to. The draw counts where
the kernel does with it what it did with zeros, at other places: what else depends on data cannot be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..launches import Launch, TensorArgument
from .cuda_facade import patched
from .ledger import ADDRESS_BITS, Ledger, PointerLog
from .sectors import Addresses

_INDEX_TYPES = ("int64", "int32", "uint64", "uint32")


@dataclass(frozen=True)
class Draw:
    """What loads from some arguments give instead of zeros."""

    arguments: frozenset[int]
    """Numbers of the arguments, as in their addresses."""
    bound: int
    """Indices are drawn from 0 up to but not including this."""


def draws(launch: Launch, plain: Sequence[Ledger]) -> list[Draw]:
    """What to try after a count with zeros, the longest axis first; empty where no address comes from memory."""
    logs = [log for ledger in plain for log in ledger.pointers.values()]
    gathered = {log.name for log in logs if log.indirect}
    written = {log.name for log in logs if log.store_bytes}
    sources = frozenset(
        number
        for number, (name, value) in enumerate(launch.arguments.items(), start=1)
        if isinstance(value, TensorArgument) and value.dtype in _INDEX_TYPES and name not in written
    )
    tensors = [value for name, value in launch.arguments.items() if name in gathered]
    sizes = {size for one in tensors if isinstance(one, TensorArgument) for size in one.shape}
    return [Draw(sources, size) for size in sorted(sizes, reverse=True)] if sources else []


def same_work(plain: Sequence[Ledger], drawn: Sequence[Ledger]) -> bool:
    """Whether the drawn indices changed nothing but places, none of them outside of a tensor."""
    return all(
        _same(before, after.pointers[number])
        for one, after in zip(plain, drawn, strict=True)
        for number, before in one.pointers.items()
    )


def _same(before: PointerLog, after: PointerLog) -> bool:
    asked = before.load_bytes, before.store_bytes
    return asked == (after.load_bytes, after.store_bytes) and after.outside <= before.outside


@contextmanager
def drawn(draw: Draw) -> Iterator[None]:
    """Loads of interpreted programs give indices while this is open, within `interpreter_hooks.counted`."""
    from triton.runtime.interpreter import InterpreterBuilder

    original = InterpreterBuilder.create_masked_load

    def load(builder: Any, pointers: Any, *others: Any, **named: Any) -> Any:
        result = original(builder, pointers, *others, **named)
        addresses = np.asarray(pointers.data).astype(np.int64)
        if int(addresses.flat[0]) >> ADDRESS_BITS in draw.arguments:
            result.data = indices(addresses, draw.bound).astype(result.data.dtype)
        return result

    with patched(InterpreterBuilder, {"create_masked_load": load}):
        yield


def indices(addresses: Addresses, bound: int) -> NDArray[np.uint64]:
    """An index for each address, always the same for the same one and spread evenly: a multiplicative hash."""
    mixed = addresses.astype(np.uint64)
    for factor in (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93):
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(factor)
    return (mixed ^ (mixed >> np.uint64(32))) % np.uint64(bound)
