"""The changes that a stage's knobs allow on one source, the most promising first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest

from .anatomy import Anatomy
from .blocks import block_changes
from .edits import Change
from .grids import grid_changes
from .groups import Blocks, find_blocks
from .options import stage_changes, warp_changes
from .tiles import axes, tile_changes

_TURNS = {"block": 1.0, "grid": 1.0, "num_warps": 1.0, "num_stages": 1.5}
"""How soon each knob's next change comes where a stage has several: the larger the later."""


def changes(anatomy: Anatomy, knobs: Sequence[str]) -> list[Change]:
    """Every change, in order."""
    ranked: list[tuple[float, Change]] = []
    lists = _lists(anatomy, find_blocks(anatomy))
    for knob in dict.fromkeys(knobs):
        found = [change for change in lists[knob]() if change] if knob in lists else []
        ranked += [(place * _TURNS[knob], change) for place, change in enumerate(found, start=1)]
    return [change for _, change in sorted(ranked, key=lambda item: item[0])]


def _lists(anatomy: Anatomy, blocks: Blocks) -> dict[str, Callable[[], Iterator[Change]]]:
    return {
        "block": lambda: _size_changes(anatomy, blocks),
        "grid": lambda: grid_changes(anatomy),
        "num_warps": lambda: warp_changes(anatomy, blocks),
        "num_stages": lambda: stage_changes(anatomy),
    }


def _size_changes(anatomy: Anatomy, blocks: Blocks) -> Iterator[Change]:
    """Tiles of a tl.dot and blocks of other kernels by turns."""
    multiplied = list(chain(*axes(anatomy, blocks)))
    others = [key for key in blocks.groups if key not in multiplied]
    turns = zip_longest(tile_changes(anatomy, blocks), block_changes(anatomy, blocks, others))
    return (change for turn in turns for change in turn if change)
