"""Whether a text is a kernel source at all: the one static check that extraction and evaluator share.

A static check is a gate, not a proof: what passes here still has to run, to be correct, and to show that
its own Triton kernels did the work.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

MAX_SOURCE = 256 * 1024
"""Characters; a parser takes seconds for much more, and no kernel needs it."""

_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""Fields of syntax nodes that hold statements, directly or one level down."""
_JIT = {"triton.jit", "triton.runtime.jit", "triton.runtime.jit.jit"}


class SourceProblemKind(StrEnum):
    """What a kernel source lacks."""

    EMPTY = "empty"
    SYNTAX_ERROR = "syntax_error"  # Python cannot parse it, for whatever reason
    NO_MODEL_NEW = "no_model_new"
    NO_TRITON_KERNEL = "no_triton_kernel"


@dataclass(frozen=True)
class SourceProblem:
    """Why a text is no kernel source."""

    kind: SourceProblemKind
    reason: str
    """One sentence that says what to do."""


def check_source(source: str) -> SourceProblem | None:
    """None when ``source`` parses and has ModelNew(nn.Module) with forward and a @triton.jit function."""
    if not source.strip():
        return SourceProblem(SourceProblemKind.EMPTY, "the source is empty: give the complete file")
    tree = _parse(source)
    if isinstance(tree, str):
        return SourceProblem(SourceProblemKind.SYNTAX_ERROR, tree)
    statements = _statements(tree)
    aliases = _aliases(statements)
    lack = _model_problem(tree, aliases)
    if lack:
        return SourceProblem(SourceProblemKind.NO_MODEL_NEW, lack)
    # Most kernels are decorated: only for the others every expression is looked at.
    if not any(_jit_name(node, aliases) for node in chain(statements, ast.walk(tree))):
        return SourceProblem(
            SourceProblemKind.NO_TRITON_KERNEL,
            "the source defines no function decorated with @triton.jit: do the work in Triton kernels",
        )
    return None


def triton_functions(source: str) -> list[str]:
    """Names of the @triton.jit functions in order of appearance; empty when the source does not parse."""
    tree = _parse(source)
    if isinstance(tree, str):
        return []
    aliases = _aliases(_statements(tree))
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        name = _jit_name(node, aliases)
        if name:
            found.setdefault(name, getattr(node, "lineno", 0))
    return sorted(found, key=lambda name: found[name])


def _parse(source: str) -> ast.Module | str:
    """The tree, or a sentence that says why there is none."""
    if len(source) > MAX_SOURCE:
        return f"the source has {len(source)} characters: a kernel file may have at most {MAX_SOURCE}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a bad escape in a docstring is the author's affair
            return ast.parse(source)
    except SyntaxError as error:
        where = f"line {error.lineno}" if error.lineno else "an unknown line"
        return f"the source is not valid Python: {error.msg} at {where}"
    except (RecursionError, MemoryError):
        return "the source is nested too deeply for Python's parser: write it flatter"
    except ValueError as error:  # null bytes (before 3.12) and lone surrogates
        return f"the source is not valid Python: {str(error).splitlines()[0]}"


def _statements(tree: ast.Module) -> list[ast.AST]:
    """The module with every statement in it, in `ast.walk`'s order; expressions hold none and are left out."""
    found: list[ast.AST] = [tree]
    for node in found:
        for block in _BLOCKS:
            found.extend(getattr(node, block, ()))
    return found


def _model_problem(tree: ast.Module, aliases: dict[str, str]) -> str | None:
    """What is wrong with class ModelNew, or None."""
    classes = {node.name: node for node in _top_level(tree.body) if isinstance(node, ast.ClassDef)}
    model = classes.get("ModelNew")
    if model is None:
        return "the source defines no class ModelNew at module level: name the module class ModelNew"
    line, from_torch = _ancestry(model, classes, aliases)
    if not from_torch:
        return "class ModelNew does not derive from nn.Module: write class ModelNew(nn.Module)"
    if not any(_defines_forward(node) for node in line):
        return "class ModelNew has no forward method: define forward with the reference's arguments"
    return None


def _ancestry(
    model: ast.ClassDef, classes: dict[str, ast.ClassDef], aliases: dict[str, str]
) -> tuple[list[ast.ClassDef], bool]:
    """The class with its bases in this file, and whether one of them derives from a torch.nn class."""
    line, from_torch, waiting = [], False, [model]
    while waiting:
        node = waiting.pop()
        line.append(node)
        for base in node.bases:
            name = _dotted(base, aliases)
            local = classes.get(name or "")
            from_torch = from_torch or (name or "").startswith("torch.nn.")
            if local is not None and local not in line:
                waiting.append(local)
    return line, from_torch


def _defines_forward(node: ast.ClassDef) -> bool:
    for item in _top_level(node.body):
        if isinstance(item, ast.FunctionDef) and item.name == "forward":
            return True
        if isinstance(item, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "forward" for target in item.targets
        ):
            return True
    return False


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module or class, with those under its if, try and with."""
    waiting = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for field in ("finalbody", "orelse", "handlers", "body"):
                waiting.extend(reversed(getattr(node, field, [])))
        elif isinstance(node, ast.ExceptHandler):
            waiting.extend(reversed(node.body))


def _jit_name(node: ast.AST, aliases: dict[str, str]) -> str | None:
    """Name of the function that this definition, or a call such as ``triton.jit(function)``, compiles."""
    if isinstance(node, ast.FunctionDef):
        return node.name if any(_is_jit(item, aliases) for item in node.decorator_list) else None
    if isinstance(node, ast.Call) and _is_jit(node.func, aliases) and len(node.args) == 1:
        return node.args[0].id if isinstance(node.args[0], ast.Name) else None
    return None


def _is_jit(node: ast.expr, aliases: dict[str, str]) -> bool:
    """Whether the expression is triton.jit or a call of it, under whatever name."""
    return _dotted(node.func if isinstance(node, ast.Call) else node, aliases) in _JIT


def _aliases(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """What each imported or re-assigned name stands for: ``{"nn": "torch.nn"}``."""
    aliases: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for item in node.names:
                root = item.name.split(".")[0]
                aliases[item.asname or root] = item.name if item.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                aliases[item.asname or item.name] = f"{node.module}.{item.name}"
        elif (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            meaning = _dotted(node.value, aliases)
            if meaning and "." in meaning:  # jit = triton.jit
                aliases.setdefault(node.targets[0].id, meaning)
    return aliases


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """``torch.nn.Module`` for ``nn.Module``; None for what is no dotted name."""
    tail: list[str] = []
    while isinstance(node, ast.Attribute):
        tail.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([aliases.get(node.id, node.id), *reversed(tail)])
