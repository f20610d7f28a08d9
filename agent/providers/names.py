"""What a constant's name says of its use; all names are in upper case."""

from __future__ import annotations

import re

_COUNT = re.compile(
    r"SPLIT|PROGRAM|CTAS|WAVES|BLOCKS|TILES|CHUNKS|PARTS|NUM_(BLOCK|TILE|CHUNK)|(^|_)SMS?$"
    r"|(ROWS|COLS|COLUMNS|ITEMS|ELEMENTS)_PER|^ROWS$"
)
_GROUP = re.compile(r"(^|_)GROUP(_SIZE)?(_?[MN])?$")
_BLOCK = re.compile(r"BLOCK|BLK|TILE|CHUNK|^B_?(M|N|K|KV|Q|R|C|X|Y|T)$")
_SHAPE = re.compile(r"HEAD|DIM|D_?MODEL|(^B|_)D[HKV]?$")


def is_count(name: str) -> bool:
    """Whether it counts programs, splits, or the work of one program."""
    return bool(_COUNT.search(name))


def is_group(name: str) -> bool:
    """Whether it says how many rows of tiles are walked together, for the sake of L2."""
    return bool(_GROUP.search(name))


def is_block(name: str) -> bool:
    """Whether it is the size of a tile."""
    return bool(_BLOCK.search(name)) and not is_count(name) and not is_group(name)


def is_shape(name: str) -> bool:
    """Whether it is rather a size of the task's, which no kernel may choose, when its kernel has a tl.dot."""
    return bool(_SHAPE.search(name))
