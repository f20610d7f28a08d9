"""Tile sizes of kernels that stream through memory; those with a tl.dot are the business of `tiles`.

The order of the changes comes from a sweep of the two-stage LayerNorm on an H200: at 1024 elements and 4 warps
it took 3.85 ms, at 8192 and 8 warps 0.64, at 16384 and 16 warps 0.62, and at 1024 with more warps alone 1.9. So
a tile is first brought to 8192 elements with 32 elements per thread, then to its neighbours.

A kernel that walks along rows, one program for each, is told from others by its loop and by a grid that is not
divided by the block. Its rows are rarely much longer than 4096, it often keeps a running value for each element of the
block, and it goes over the row several times: half the elements, and half of them per thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from .anatomy import Anatomy, Launch
from .edits import Change
from .groups import Blocks
from .options import WARPS, plain_launches, set_option
from .scaling import scaled, whole

MAX_ELEMENTS = 65536
"""Elements of one program's tile, and of one block size, at most."""
_BEST, _BEST_ROW = 8192, 4096
_PER_WARP, _PER_WARP_ROW = 1024, 512
_SMALLEST_BLOCK = 16
_FACTORS = (2.0, 4.0, 0.5, 8.0, 0.25, 16.0)

Unit = tuple[str, ...]
"""Groups that change by the same factor."""


def block_changes(anatomy: Anatomy, blocks: Blocks, keys: list[str]) -> Iterator[Change]:
    """Powers of two for these groups: one after the other, and all together where they share no tile."""
    values = blocks.values
    units = _units(blocks, keys)
    ranked = sorted(
        (rank // 2, _depth(blocks, unit), rank, place, factor)
        for place, unit in enumerate(units)
        for rank, factor in enumerate(_factors(*_size(anatomy, blocks, unit)))
    )
    for coupled in (True, False):
        for *_, place, factor in ranked:
            unit = units[place]
            new = {key: int(value * (factor if key in unit else 1)) for key, value in values.items()}
            change = resized(blocks, {key: new[key] for key in unit})
            if change and _fits(blocks, values, new):
                yield change | _more_warps(anatomy, blocks, unit, new) if coupled else change


def resized(blocks: Blocks, sizes: dict[str, int]) -> Change:
    """Groups brought to these sizes, each by one factor; nothing when one of them would leave its range."""
    change, values = Change(), blocks.values
    for key, size in sizes.items():
        part = scaled(blocks.groups[key], _within_block(size / values[key]))
        if size != values[key] and not part:
            return Change()
        change |= part
    return change


def at_least(anatomy: Anatomy, launch: Launch, warps: int) -> Change:
    """This launch with as many warps, unless it has more or the host computes them."""
    return set_option(anatomy, launch, "num_warps", lambda old: max(old, warps), computed=False)


def _units(blocks: Blocks, keys: list[str]) -> list[Unit]:
    """What to change: all at once where no two share a tile, and each alone."""
    tiles = [{axis.key for axis in tile if axis.key in keys} for tile in blocks.tiles.values()]
    apart = len(keys) > 1 and all(len(tile) <= 1 for tile in tiles)
    return [tuple(keys)] * apart + [(key,) for key in keys]


def _depth(blocks: Blocks, unit: Unit) -> int:
    """Of one tile the last axis comes first: neighbours in memory lie along it."""
    tiles = [[axis.key for axis in tile] for tile in blocks.tiles.values()]
    return min((-tile.index(key) for tile in tiles for key in unit if key in tile), default=0)


def _factors(elements: int, best: int) -> list[float]:
    """Factors by how near they bring a tile of so many elements to the best size.

    Of two that come as near, the smaller step goes first, since it leaves less of a short axis unused; from the
    best size itself, the larger.
    """
    first = -1 if elements >= best else 1
    return sorted(_FACTORS, key=lambda factor: (abs(math.log2(elements * factor / best)), first * factor))


def _size(anatomy: Anatomy, blocks: Blocks, unit: Unit) -> tuple[int, int]:
    """Elements of the largest tile that a unit takes part in, and the best number for it."""
    values = blocks.values
    mine = [launch for launch in anatomy.launches if launch.live and _takes_part(blocks, launch, unit)]
    sizes = [(blocks.elements(launch, values) or 0, launch) for launch in mine]
    elements = max((size for size, _ in sizes), default=0) or max(values[key] for key in unit)
    rows = bool(mine) and all(_walks_rows(blocks, launch) for launch in mine)
    # A block that the grid is divided by and that is small may be as long as its axis: no more than eightfold.
    return elements, _BEST_ROW if rows else min(_BEST, 8 * elements)


def _takes_part(blocks: Blocks, launch: Launch, unit: Unit) -> bool:
    return any(axis.key in unit for axis in blocks.tiles.get(launch, []))


def _walks_rows(blocks: Blocks, launch: Launch) -> bool:
    axes = blocks.tiles.get(launch, [])
    return any(axis.walked for axis in axes) and not any(axis.key in blocks.divided for axis in axes)


def _fits(blocks: Blocks, old: dict[str, int], new: dict[str, int]) -> bool:
    """Whether no tile grows beyond what one program can hold."""
    sizes = [(blocks.elements(launch, old), blocks.elements(launch, new)) for launch in blocks.tiles]
    return all(after <= max(MAX_ELEMENTS, before) for before, after in sizes if before and after)


def _more_warps(anatomy: Anatomy, blocks: Blocks, unit: Unit, values: dict[str, int]) -> Change:
    """Warps for the tiles that grew, so that no thread holds too many elements."""
    change = Change()
    for launch in plain_launches(anatomy):
        if _takes_part(blocks, launch, unit):
            per_warp = _PER_WARP_ROW if _walks_rows(blocks, launch) else _PER_WARP
            elements = blocks.elements(launch, values) or 0
            change |= at_least(anatomy, launch, min(WARPS[-1], elements // per_warp))
    return change


def _within_block(factor: float) -> Callable[[int], int | None]:
    return lambda old: whole(old * factor, min(old, _SMALLEST_BLOCK), MAX_ELEMENTS)
