"""Which programs of a grid are run, and how many of the others each of them stands for."""

from __future__ import annotations

from itertools import product

Grid = tuple[int, int, int]


def samples(grid: Grid) -> list[tuple[Grid, float]]:
    """Program ids with weights that sum to the grid's size, the most telling first.

    The last program along an axis stands for that edge of the grid only, since tails are masked there; the
    first, the second, the middle and the last of the inner ones share the rest. A grid whose last program
    does what the others do is therefore counted exactly, and so is one with a masked tail on every axis.
    """
    found: list[tuple[Grid, float]] = []
    choices = [((0, 1), (1, 0)) if size > 1 else ((0, 1),) for size in grid]
    for edge in product(*([inner for inner, _ in axis] for axis in choices)):
        sizes = [1 if last else size - (size > 1) for last, size in zip(edge, grid, strict=True)]
        chosen = _inner(sizes) if not any(edge) else [tuple(size // 2 for size in sizes)]
        programs = [
            _id([size - 1 if last else at for last, size, at in zip(edge, grid, place, strict=True)])
            for place in chosen
        ]
        weight = sizes[0] * sizes[1] * sizes[2] / len(programs)
        found += [(program, weight) for program in programs]
    return found


def _inner(sizes: list[int]) -> list[tuple[int, ...]]:
    """First, next in launch order, middle, last."""
    axis = next((axis for axis, size in enumerate(sizes) if size > 1), 0)
    second = tuple(min(1, sizes[axis] - 1) if at == axis else 0 for at in range(3))
    middle = tuple(size // 2 for size in sizes)
    last = tuple(size - 1 for size in sizes)
    return list(dict.fromkeys([(0, 0, 0), second, middle, last]))


def _id(place: list[int]) -> Grid:
    x, y, z = place
    return x, y, z
