"""What a stage promised to leave alone, checked on the launches that were seen."""

from __future__ import annotations

from collections import defaultdict

from kernelwright.evaluator.evaluation import Evaluation, Scalar
from kernelwright.stages import Stage

Grid = tuple[int, int, int]


def broken_promises(stage: Stage, parent: Evaluation, child: Evaluation) -> list[str]:
    """One sentence for each promise that the child's launches break; none when launches are unknown.

    Kernels are matched by name. ``grid``: each kernel of the parent is still there with its grids, and
    no kernel came in. ``block``: each tl.constexpr whose name contains BLOCK has its value.
    """
    if not parent.kernels or not child.kernels:
        return []
    broken: list[str] = []
    if "grid" in stage.promises:
        broken += _grids_changed(_grids(parent), _grids(child))
    if "block" in stage.promises:
        broken += _blocks_changed(parent, child)
    return broken


def _grids(evaluation: Evaluation) -> dict[str, list[Grid]]:
    found: dict[str, list[Grid]] = defaultdict(list)
    for kernel in evaluation.kernels:
        found[kernel.name].append(kernel.grid)
    return {name: sorted(set(grids)) for name, grids in found.items()}


def _grids_changed(before: dict[str, list[Grid]], after: dict[str, list[Grid]]) -> list[str]:
    gone = [f"kernel {name} was removed" for name in before if name not in after]
    came = [f"kernel {name} was added" for name in after if name not in before]
    moved = [
        f"the grid of {name} went from {_words(grids)} to {_words(after[name])}"
        for name, grids in before.items()
        if name in after and after[name] != grids
    ]
    return gone + came + moved


def _words(grids: list[Grid]) -> str:
    return " and ".join(str(grid) for grid in grids)


def _blocks_changed(parent: Evaluation, child: Evaluation) -> list[str]:
    before, after = _blocks(parent), _blocks(child)
    return [
        f"{constant} of {name} went from {_value(before[name], constant)} to {_value(after[name], constant)}"
        for name in before
        if name in after
        for constant in sorted(before[name].keys() | after[name].keys())
        if before[name].get(constant) != after[name].get(constant)
    ]


def _blocks(evaluation: Evaluation) -> dict[str, dict[str, tuple[Scalar, ...]]]:
    """Per kernel with a known configuration: the values of its BLOCK constants over all its launches."""
    found: dict[str, dict[str, list[Scalar]]] = {}
    for kernel in evaluation.kernels:
        if kernel.config:
            constants = found.setdefault(kernel.name, defaultdict(list))
            for name, value in kernel.config.items():
                if "BLOCK" in name.upper():
                    constants[name].append(value)
    return {name: {c: tuple(sorted(set(v), key=repr)) for c, v in row.items()} for name, row in found.items()}


def _value(constants: dict[str, tuple[Scalar, ...]], name: str) -> str:
    return " and ".join(str(value) for value in constants[name]) if name in constants else "nothing"
