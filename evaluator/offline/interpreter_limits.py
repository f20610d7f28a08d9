"""What Triton's interpreter cannot judge, told beforehand from a source and afterwards from an error.

The interpreter runs a grid's programs one after another in numpy. So a kernel that waits for another program
never ends, tf32 products come out in full precision, and whatever is not Triton's own language does not run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

MEMORY_OPERATIONS_MAX = 30_000
"""Loads, stores and atomics of one program at a task's small shapes, beyond which it is taken to wait for ever."""

_FOREIGN = {
    "inline_asm_elementwise": "inline assembly",
    "libdevice": "functions of libdevice",
    "globaltimer": "inline assembly",
    "smid": "inline assembly",
    "gluon": "Gluon",
    "dot_scaled": "tl.dot_scaled",
}


_PLAIN_NUMBER = re.compile(r"'(int|float|bool)' object has no attribute '\w+'")


class InterpreterLimit(Exception):
    """Raised by the interpreting context where a kernel leaves what can be interpreted."""


def interpreter_cannot_judge(source: str, dtype: str) -> str | None:
    """One sentence on why an interpreted run of ``source`` would say nothing; None when it says something.

    ``dtype`` is the task's, as torch names it. A source that does not parse is somebody else's to refuse.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    foreign = next((_FOREIGN[name] for name in _names(tree) if name in _FOREIGN), None)
    if foreign:
        return f"Triton's interpreter cannot run {foreign}"
    for kernel in _kernels(tree):
        problem = _spin(kernel) or _dot(kernel, dtype)
        if problem:
            return f"kernel '{kernel.name}' {problem}"
    return None


def is_interpreter_limit(error: BaseException) -> str | None:
    """One sentence when an error came from what the interpreter lacks and not from the kernel; else None."""
    for cause in _causes(error):
        if isinstance(cause, InterpreterLimit):
            return str(cause)
        text = str(cause)
        if isinstance(cause, NotImplementedError) and "interpreter" in text:
            return f"Triton's interpreter cannot run this kernel: {text}"
        if isinstance(cause, AttributeError) and "InterpreterBuilder" in text:
            return f"Triton's interpreter lacks an operation that the kernel uses: {text}"
        if isinstance(cause, AttributeError) and _PLAIN_NUMBER.fullmatch(text) and _in_a_kernel(error):
            return f"Triton's interpreter counts loops with plain numbers, where the compiler has tensors: {text}"
    return None


def _in_a_kernel(error: BaseException) -> bool:
    return any(type(cause).__name__ == "InterpreterError" for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from alias.name.split(".")


def _kernels(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any("jit" in _names(mark) for mark in node.decorator_list):
            yield node


def _calls(node: ast.AST) -> list[tuple[str, ast.Call]]:
    """Calls in a piece of a kernel by their last name: ``atomic_add`` for ``tl.atomic_add(...)``."""
    found = []
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            function = call.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            found.append((name, call))
    return found


def _spin(kernel: ast.FunctionDef) -> str | None:
    """A while loop that asks memory again and again and does nothing else waits for another program."""
    for loop in ast.walk(kernel):
        if not isinstance(loop, ast.While):
            continue
        calls = _calls(loop)
        asks = any(name.startswith("atomic_") or _volatile(name, call) for name, call in calls)
        asks = asks or any(name == "load" for name, _ in _calls(loop.test))
        body = [pair for statement in loop.body for pair in _calls(statement)]
        works = any(
            not name.startswith("atomic_") and name != "debug_barrier" and not _volatile(name, call)
            for name, call in body
        )
        if asks and not works:
            return "waits for other programs in a while loop, and the interpreter runs them one after another"
    return None


def _volatile(name: str, call: ast.Call) -> bool:
    if name != "load":
        return False
    return any(
        word.arg in ("volatile", "cache_modifier")
        and isinstance(word.value, ast.Constant)
        and word.value.value in (True, ".cv", ".cg")
        for word in call.keywords
    )


def _dot(kernel: ast.FunctionDef, dtype: str) -> str | None:
    dots = [call for name, call in _calls(kernel) if name == "dot"]
    if not dots:
        return None
    narrow = {"float16", "bfloat16"}.intersection(_names(kernel))
    if dtype == "float32" and not narrow and not all(_ieee(call) for call in dots):
        return "lets tl.dot use tf32, which the interpreter computes in full precision"
    return None


def _ieee(call: ast.Call) -> bool:
    for word in call.keywords:
        value = word.value.value if isinstance(word.value, ast.Constant) else None
        if word.arg == "input_precision" and value == "ieee":
            return True
        if word.arg == "allow_tf32" and value is False:
            return True
    return False
