"""Tile sizes of kernels that multiply tiles (tl.dot).

A tile of the result wants to be large, because an operand that is loaded once is then used once for each of its rows or
columns: 128 by 128 with eight warps, where each thread keeps 64 sums in registers. The axis that a loop walks along
only costs shared memory, once per pipeline stage: 64 elements of it, or 32 of fp32. Attention is the same
with one axis: 128 queries, and a loop over 64 keys.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from .anatomy import Anatomy
from .blocks import at_least, resized
from .edits import Change
from .groups import Blocks
from .options import plain_launches

_RESULT = 128
_WALKED, _WALKED_FP32 = 64, 32
_SMALLEST = 16
"""What tl.dot takes."""
_MOST_SUMS = 256 * 128
_SUMS_PER_WARP = 2048
_ROWS_PER_WARP = 16
"""For a kernel with one axis in its result, such as attention, which holds scores beside its sums."""


def tile_changes(anatomy: Anatomy, blocks: Blocks) -> Iterator[Change]:
    """First towards the sizes above, all axes at once and then fewer, then beyond them.

    What needs less shared memory goes first beyond them: more of it may be more than the card has.
    """
    result, walked = axes(anatomy, blocks)
    values = blocks.values
    for coupled in (True, False):
        for sizes in _sizes(values, result, walked, _best_walked(anatomy)):
            new = {**values, **sizes}
            if _allowed(new, result, [*result, *walked]):
                change = resized(blocks, sizes)
                yield change | _warps(anatomy, blocks, sizes, new) if coupled and change else change


def axes(anatomy: Anatomy, blocks: Blocks) -> tuple[list[str], list[str]]:
    """Groups that are axes of a result of tl.dot, and those that the loops around it step by."""
    found = {
        axis.key: axis.walked
        for launch, tile in blocks.tiles.items()
        if launch.live and anatomy.kernel(launch).multiplies
        for axis in tile
        if axis.key in blocks.groups
    }
    return [key for key in found if not found[key]], [key for key in found if found[key]]


def _best_walked(anatomy: Anatomy) -> int:
    live = [anatomy.kernel(launch) for launch in anatomy.launches if launch.live]
    return _WALKED_FP32 if any(kernel.precise for kernel in live) else _WALKED


def _sizes(
    values: dict[str, int], result: list[str], walked: list[str], best: int
) -> Iterator[dict[str, int]]:
    large = {key: _RESULT for key in result if values[key] < _RESULT}
    deep = {key: best for key in walked if values[key] < best}
    yield large | deep
    yield large
    yield from ({key: size} for key, size in large.items())
    yield deep
    axes = [*walked, *result]
    yield from ({key: values[key] // 2} for key in axes)
    for key in reversed(result):  # a wider tile in the shared memory of the old one
        yield {key: values[key] * 2, **{other: values[other] // 2 for other in walked}}
    yield from ({key: values[key] * 2} for key in axes)


def _allowed(values: dict[str, int], result: list[str], axes: list[str]) -> bool:
    sums = math.prod(values[key] for key in result)
    return min(values[key] for key in axes) >= _SMALLEST and sums <= _MOST_SUMS if axes else False


def _warps(anatomy: Anatomy, blocks: Blocks, sizes: dict[str, int], values: dict[str, int]) -> Change:
    change = Change()
    for launch in plain_launches(anatomy):
        result = [values[axis.key] for axis in blocks.tiles[launch] if axis.key in values and not axis.walked]
        grown = any(axis.key in sizes for axis in blocks.tiles[launch])
        if grown and result and anatomy.kernel(launch).multiplies:
            share = _SUMS_PER_WARP if len(result) > 1 else _ROWS_PER_WARP
            change |= at_least(anatomy, launch, min(8, math.prod(result) // share))
    return change
