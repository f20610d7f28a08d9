"""Tile sizes of a source: integers that host and kernels must agree on, and so change together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import libcst as cst

from .anatomy import Anatomy, Launch, Literal, leaves
from .edits import name_of
from .names import is_block, is_shape

_SMALLEST_DIVISOR = 16
"""A host that divides by less than this need not mean a tile."""


@dataclass(frozen=True)
class Axis:
    """One axis of a kernel's tile."""

    key: str
    """The group of integers that sets it; empty where the host computes it."""
    walked: bool
    """Whether a loop of the kernel steps by it."""


@dataclass
class Blocks:
    """All tile sizes of a source."""

    groups: dict[str, list[Literal]]
    """Integers that change together, by a name of theirs."""
    tiles: dict[Launch, list[Axis]]
    """The axes of each launch's tile, in the order of the kernel's parameters."""
    divided: set[str]
    """Groups by which the host divides an axis among programs."""

    @property
    def values(self) -> dict[str, int]:
        """Each group's size, the largest where configs list several."""
        return {key: max(item.value for item in group) for key, group in self.groups.items()}

    def elements(self, launch: Launch, values: dict[str, int]) -> int | None:
        """Elements of a launch's tile with these sizes; None where they are not all known."""
        axes = self.tiles.get(launch, [])
        known = axes and all(axis.key in values for axis in axes)
        return math.prod(values[axis.key] for axis in axes) if known else None


def find_blocks(anatomy: Anatomy) -> Blocks:
    """Tile sizes that can be changed, with what the kernels do along them."""
    families = _families(anatomy)
    groups = _groups(anatomy, families)
    tiles = {launch: _axes(anatomy, families, launch) for launch in anatomy.launches}
    divided = {key for key in groups if families[key] & anatomy.divided}
    divided |= {key for key, group in groups.items() if any(item in anatomy.divisors for item in group)}
    return Blocks(groups, tiles, divided)


def _groups(anatomy: Anatomy, families: dict[str, set[str]]) -> dict[str, list[Literal]]:
    groups: dict[str, list[Literal]] = {}
    for key, names in families.items():
        group = [literal for name in sorted(names) for literal in anatomy.literals.get(name, [])]
        sizes = all(item.value >= 4 and item.value & (item.value - 1) == 0 for item in group)
        if group and sizes and any(item.live for item in group):
            groups[key] = group
    for divisor in anatomy.divisors:
        same = [group for group in groups.values() if any(item.value == divisor.value for item in group)]
        if len(same) == 1 and divisor.value >= _SMALLEST_DIVISOR:
            same[0].append(divisor)  # the host's grid, written with the number instead of the name
    return groups


def _families(anatomy: Anatomy) -> dict[str, set[str]]:
    """Names of tile sizes; a kernel's own integers go with those of the host that stand in for them."""
    multiplies = any(kernel.multiplies for kernel in anatomy.kernels.values())

    def chosen(name: str) -> bool:
        return is_block(name) and not (multiplies and is_shape(name))

    families = {name: {name} for name in anatomy.literals if chosen(name)}
    for launch in (*anatomy.launches, *anatomy.configs):
        for parameter, value in anatomy.bound(launch).items():
            host, own = (name_of(value) or "").upper(), parameter.upper()
            if chosen(own) and anatomy.literals.get(host):
                shared = families.get(own, set()) if _own_integers(anatomy, own) else set()
                family = families.get(host, {host}) | shared
                families.update(dict.fromkeys(sorted(family), family))
    return {min(family): family for family in families.values()}


def _own_integers(anatomy: Anatomy, parameter: str) -> bool:
    return any(literal.of_kernel for literal in anatomy.literals.get(parameter, []))


def _axes(anatomy: Anatomy, families: dict[str, set[str]], launch: Launch) -> list[Axis]:
    kernel, bound = anatomy.kernel(launch), anatomy.bound(launch)
    names = [name for name in kernel.parameters if is_block(name.upper())]
    keys = {name: _key_of(families, name, bound.get(name)) for name in names}
    return [Axis(key, name.upper() in kernel.walked) for name, key in keys.items()]


def _key_of(families: dict[str, set[str]], parameter: str, value: cst.BaseExpression | None) -> str:
    """The group whose value a launch passes for a parameter."""
    host = (name_of(value) or "").upper() if value is not None else ""
    if value is not None and not host and not list(leaves(value)):
        return ""
    for name in (host, parameter.upper()):
        for key, family in families.items():
            if name in family:
                return key
    return ""
