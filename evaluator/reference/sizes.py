"""The integers that a single file spells out, which guesses of small shapes replace."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from kernelwright.reference_kernels import Task

from .contract import load_reference
from .literals import LONGEST, literals


class Sizes:
    """The integers that a file's top level spells out, and what it computes from them.

    With ``inner`` also those in the bodies of get_inputs and get_init_inputs.
    """

    def __init__(self, task: Task, need_values: bool = False, inner: bool = False) -> None:
        self.need_values = need_values
        """Whether the reference does not run on meta tensors."""
        self._module = dict(vars(load_reference(task)))
        self._names: list[str] = []
        self._computed: list[ast.stmt] = []
        self._spelled: list[str] = []
        source = task.reference_source()
        self._inner = literals(source) if inner else {}
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                self._note(statement, statement.value)

    def _note(self, statement: ast.Assign | ast.AnnAssign, value: ast.expr) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        bound = [name for target in targets for name in _bound(target)]
        names = [name for name in bound if _numbers(self._module.get(name))]
        if not names or len(names) != len(bound):
            return
        if _mentioned(value) & set(self._names):
            self._computed.append(statement)
        else:
            self._spelled += names
        self._names += names

    @property
    def values(self) -> dict[str, int]:
        """Positive integers by name, those of a tuple or list as ``name[index]``.

        Inner ones come first, since the first number in get_inputs probably counts independent samples.
        """
        flat = ((name, *item) for name in dict.fromkeys(self._spelled) for item in _flat(self._module[name]))
        return self._inner | {name + index: value for name, index, value in flat if _is_size(value)}

    def with_values(self, values: Mapping[str, int]) -> dict[str, Any]:
        """Every constant that differs from the file's when these are its sizes, computed ones too."""
        changed = dict(self._module)
        for name in self._spelled:
            changed[name] = _replaced(name, self._module[name], values)
        for statement in self._computed:
            exec(compile(ast.Module([statement], []), "<constants>", "exec"), changed)
        names = dict.fromkeys(self._names)
        inner = {name: values.get(name, value) for name, value in self._inner.items()}
        return {name: value for name, value in inner.items() if value != self._inner[name]} | {
            name: changed[name] for name in names if changed[name] != self._module[name]
        }


def _bound(target: ast.expr) -> list[str]:
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]


def _mentioned(value: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}


def _numbers(value: Any) -> bool:
    """A number, or a tuple or list of such."""
    items = value if isinstance(value, tuple | list) and value else [value]
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _flat(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, tuple | list):
        return [(f"[{index}]", item) for index, item in enumerate(value)] if len(value) <= LONGEST else []
    return [("", value)]


def _replaced(name: str, value: Any, values: Mapping[str, int]) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(values.get(f"{name}[{index}]", item) for index, item in enumerate(value))
    return values.get(name, value)
