"""Which names of a module matter to ModelNew's forward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import libcst as cst

from .edits import name_of


def reached(module: cst.Module) -> set[str]:
    """Names that are reached from ModelNew, through whatever the module defines."""
    uses: dict[str, set[str]] = defaultdict(set)
    for owner, node in _definitions(module.body):
        names = _Names()
        node.visit(names)
        uses[owner] |= names.found
    found, waiting = set(), ["ModelNew"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(uses.get(name, ()))
    return found


def targets(node: cst.BaseExpression) -> list[str]:
    """Names that an assignment to this expression binds."""
    if isinstance(node, cst.Tuple):
        return [name for element in node.elements for name in targets(element.value)]
    name = name_of(node)
    return [name] if name else []


def _definitions(body: Sequence[cst.CSTNode]) -> Iterator[tuple[str, cst.CSTNode]]:
    """Each name that a module binds, with the node that binds it; what else it runs counts as ModelNew's."""
    for node in body:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            yield node.name.value, node
        elif isinstance(node, cst.Assign):
            yield from ((name, node) for item in node.targets for name in targets(item.target))
        elif isinstance(node, cst.AnnAssign):
            yield from ((name, node) for name in targets(node.target))
        elif isinstance(node, cst.SimpleStatementLine | cst.If | cst.Else | cst.Try | cst.IndentedBlock):
            yield from _definitions(node.children)
        elif isinstance(node, cst.For | cst.While | cst.With | cst.Expr | cst.AugAssign):
            yield "ModelNew", node


class _Names(cst.CSTVisitor):
    """Every name below a node, a backward's body left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return node.name.value != "backward"

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)
