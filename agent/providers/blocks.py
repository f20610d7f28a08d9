"""Block sizes: integers that host and kernels must agree on, and so change together.

The order of the changes comes from a sweep of the two-stage LayerNorm on an H200: at 1024 elements and 4 warps
it took 3.85 ms, at 8192 and 8 warps 0.64, at 16384 and 16 warps 0.62, and at 1024 with more warps alone 1.9. So
a tile is first brought to 8192 elements with 32 elements per thread, then to its neighbours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import libcst as cst

from .anatomy import Anatomy, Launch, Literal
from .edits import Change, name_of
from .options import WARPS, plain_launches, set_option
from .scaling import Scale, scaled, whole

MAX_ELEMENTS = 65536
"""Elements of one program's tile, and of one block size, at most."""
COUNTS = re.compile(r"SPLIT|PROGRAM|CTAS|WAVES|BLOCKS|TILES|NUM_(BLOCK|TILE)")
"""Names, in upper case, of how many there are of something."""
_BLOCKS = re.compile(r"BLOCK|TILE")
_BEST_ELEMENTS = 8192
_ELEMENTS_PER_WARP = 1024
_SMALLEST_BLOCK = 16
_FACTORS = (2.0, 4.0, 0.5, 8.0, 0.25, 16.0)


def block_changes(anatomy: Anatomy, tiled: bool) -> Iterator[Change]:
    """Powers of two for every block size: one after the other, and all together where no tl.dot is."""
    groups = _block_groups(anatomy)
    units: list[tuple[str, ...]] = [(key,) for key in groups]
    if len(groups) > 1 and not tiled:
        units.insert(0, tuple(groups))
    values = {key: max(item.value for item in group) for key, group in groups.items()}
    ranked = sorted(
        (rank, place, factor)
        for place, unit in enumerate(units)
        for rank, factor in enumerate(_factors(_elements(anatomy, unit, values), tiled))
    )
    for coupled in (True, False):
        for _, place, factor in ranked:
            unit = units[place]
            change = scaled([item for key in unit for item in groups[key]], _within_block(factor))
            new = {key: int(value * (factor if key in unit else 1)) for key, value in values.items()}
            if change and (tiled or _fits(anatomy, values, new)):
                yield change | _more_warps(anatomy, unit, new) if coupled else change


def _factors(elements: int, tiled: bool) -> list[float]:
    """Factors by how near they bring a tile of so many elements to the best size; larger ones first."""
    if tiled:
        return [2.0, 0.5, 4.0, 0.25]
    return sorted(_FACTORS, key=lambda factor: (abs(math.log2(elements * factor / _BEST_ELEMENTS)), -factor))


def _block_groups(anatomy: Anatomy) -> dict[str, list[Literal]]:
    """Integers that must change together, by the name that they go under."""
    groups: dict[str, list[Literal]] = {}
    for key, names in _families(anatomy).items():
        group = [literal for name in sorted(names) for literal in anatomy.literals.get(name, [])]
        sizes = all(item.value >= 4 and item.value & (item.value - 1) == 0 for item in group)
        if group and sizes and any(item.live for item in group):
            groups[key] = group
    for divisor in anatomy.divisors:
        same = [group for group in groups.values() if any(item.value == divisor.value for item in group)]
        if len(same) == 1:  # the host's grid, written with the number instead of the name
            same[0].append(divisor)
    return groups


def _families(anatomy: Anatomy) -> dict[str, set[str]]:
    """Names of block sizes; a kernel's own integers go with those of the host that stand in for them."""
    families = {name: {name} for name in anatomy.literals if _is_block(name)}
    for launch in (*anatomy.launches, *anatomy.configs):
        for parameter, value in anatomy.bound(launch).items():
            host, own = (name_of(value) or "").upper(), parameter.upper()
            if _is_block(own) and anatomy.literals.get(host):
                shared = families.get(own, set()) if _own_integers(anatomy, own) else set()
                family = families.get(host, {host}) | shared
                families.update(dict.fromkeys(sorted(family), family))
    return {min(family): family for family in families.values()}


def _own_integers(anatomy: Anatomy, parameter: str) -> bool:
    return any(literal.of_kernel for literal in anatomy.literals.get(parameter, []))


def _is_block(name: str) -> bool:
    return bool(_BLOCKS.search(name)) and not COUNTS.search(name)


def _key_of(
    anatomy: Anatomy, families: dict[str, set[str]], parameter: str, value: cst.BaseExpression | None
) -> str:
    """The group whose value a launch passes for a parameter."""
    host = (name_of(value) or "").upper() if value is not None else ""
    for name in (host, parameter.upper()):
        for key, family in families.items():
            if name in family:
                return key
    return ""


def _dimensions(anatomy: Anatomy, launch: Launch) -> list[str]:
    """Groups whose values multiply to the elements of one program's tile."""
    families = _families(anatomy)
    bound = anatomy.bound(launch)
    names = [name for name in anatomy.parameters.get(launch.kernel or "", []) if _is_block(name.upper())]
    keys = [_key_of(anatomy, families, name, bound.get(name)) for name in names]
    return [key for key in keys if key]


def _elements(anatomy: Anatomy, unit: tuple[str, ...], values: dict[str, int]) -> int:
    """Elements of the largest tile that a unit takes part in."""
    tiles = [_dimensions(anatomy, launch) for launch in anatomy.launches if launch.live]
    sizes = [math.prod(values.get(key, 1) for key in tile) for tile in tiles if set(unit) & set(tile)]
    return max(sizes, default=max(values[key] for key in unit))


def _fits(anatomy: Anatomy, old: dict[str, int], new: dict[str, int]) -> bool:
    """Whether no tile grows beyond what one program can hold."""
    for launch in anatomy.launches:
        tile = _dimensions(anatomy, launch)
        size = math.prod(new.get(key, 1) for key in tile)
        if size > max(MAX_ELEMENTS, math.prod(old.get(key, 1) for key in tile)):
            return False
    return True


def _more_warps(anatomy: Anatomy, unit: tuple[str, ...], values: dict[str, int]) -> Change:
    """Warps for the tiles that grew: at most 32 elements per thread."""
    change = Change()
    for launch in plain_launches(anatomy):
        tile = _dimensions(anatomy, launch)
        if set(unit) & set(tile):
            least = min(WARPS[-1], math.prod(values.get(key, 1) for key in tile) // _ELEMENTS_PER_WARP)
            change |= _at_least(anatomy, launch, least)
    return change


def _at_least(anatomy: Anatomy, launch: Launch, warps: int) -> Change:
    return set_option(anatomy, launch, "num_warps", lambda old: max(old, warps), computed=False)


def _within_block(factor: float) -> Scale:
    return lambda old: whole(old * factor, min(old, _SMALLEST_BLOCK), MAX_ELEMENTS)
