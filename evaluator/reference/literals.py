"""The sizes that get_inputs and get_init_inputs spell out, as constants that can be replaced like those of the file.

``torch.rand(10, 3, 224, 224)`` in get_inputs holds ``get_inputs[0]`` to ``get_inputs[3]``, counted as they stand there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import ModuleType

LONGEST = 16
"""Numbers of a tuple or list of sizes; a longer one is a table."""
_FUNCTIONS = ("get_inputs", "get_init_inputs")
_ARITHMETIC = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


def literals(source: str) -> dict[str, int]:
    """The positive integers in the bodies of those functions by name; ``2 * 1024`` is one of them."""
    return {name: value for _, found in _rewritten(source) for name, value in found.items()}


def make_constants(module: ModuleType, source: str) -> None:
    """Make each of them a constant of the module, with the value that it has.

    A function that is no more what the file's top level defines, as one that was decorated, stays as it is.
    """
    for function, found in _rewritten(source):
        code = getattr(getattr(module, function.name, None), "__code__", None)
        if code is not None and (code.co_name, code.co_firstlineno) == (function.name, function.lineno):
            vars(module).update(found)
            exec(compile(ast.Module([function], []), str(module.__file__), "exec"), vars(module))


def _rewritten(source: str) -> Iterator[tuple[ast.FunctionDef, dict[str, int]]]:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef) and statement.name in _FUNCTIONS:
            naming = _Naming(statement.name)
            for one in statement.body:
                naming.visit(one)
            yield statement, naming.found


class _Naming(ast.NodeTransformer):
    """Puts names in place of sizes. No source can spell such a name, so none is taken."""

    def __init__(self, function: str) -> None:
        self._function = function
        self.found: dict[str, int] = {}

    def visit(self, node: ast.AST) -> ast.AST:
        if _is_table(node):
            return node
        if not isinstance(node, ast.expr) or not _is_arithmetic(node):
            return self.generic_visit(node)
        value = eval(compile(ast.Expression(node), "<literal>", "eval"))
        if type(value) is not int or value < 1:
            return node
        name = f"{self._function}[{len(self.found)}]"
        self.found[name] = value
        return ast.copy_location(ast.Name(name, ast.Load()), node)


def _is_table(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple | ast.List) and len(node.elts) > LONGEST


def _is_arithmetic(node: ast.expr) -> bool:
    """Whether it is made of nothing but numbers."""
    parts = list(ast.walk(node))
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return all(isinstance(part, _ARITHMETIC) for part in parts) and all(
        type(one) in (int, float) for one in values
    )
