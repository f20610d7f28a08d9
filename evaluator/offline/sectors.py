"""From the addresses of one access to the sectors that its warps touch: pure arithmetic on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .traffic import SECTOR_BYTES

Addresses = NDArray[np.int64]
WARP = 32


def lanes_in_order(addresses: Addresses, active: NDArray[np.bool_]) -> tuple[Addresses, NDArray[np.bool_]]:
    """Both arrays flattened so that neighbouring lanes hold neighbouring addresses where the tile allows it.

    Triton's compiler gives consecutive lanes to the axis along which a tile is contiguous, so axes are
    ordered by their stride; a broadcast axis (stride 0) goes outermost.
    """
    strides = []
    for axis, size in enumerate(addresses.shape):
        first = addresses.take(0, axis=axis).flat[0]
        step = abs(int(addresses.take(1, axis=axis).flat[0] - first)) if size > 1 else 0
        strides.append(step or np.inf)
    order = sorted(range(addresses.ndim), key=lambda axis: -strides[axis])
    return addresses.transpose(order).ravel(), active.transpose(order).ravel()


def warp_sectors(addresses: Addresses, active: NDArray[np.bool_], itemsize: int) -> int:
    """32-byte sectors touched by groups of 32 lanes, each sector once per group.

    ``addresses`` are byte addresses in lane order, ``active`` says which lanes take part, ``itemsize`` is in
    bytes; an element that straddles a sector boundary touches both.
    """
    if not active.any():
        return 0
    pad = -len(addresses) % WARP
    first = np.where(active, addresses // SECTOR_BYTES, -1)
    last = np.where(active, (addresses + max(itemsize, 1) - 1) // SECTOR_BYTES, -1)
    halves = [first] if np.array_equal(first, last) else [first, last]
    rows: Any = np.concatenate(
        [np.pad(half, (0, pad), constant_values=-1).reshape(-1, WARP) for half in halves], axis=1
    )
    rows.sort(axis=1)
    fresh = np.diff(rows, axis=1, prepend=-1) != 0
    return int((fresh & (rows >= 0)).sum())


def distinct_sectors(addresses: Addresses, active: NDArray[np.bool_], itemsize: int) -> Addresses:
    """Sorted numbers of all sectors that the active lanes touch."""
    taken = addresses[active]
    if not len(taken):
        return np.empty(0, dtype=np.int64)
    ends = taken + max(itemsize, 1) - 1
    return np.unique(np.concatenate([taken // SECTOR_BYTES, ends // SECTOR_BYTES]))
