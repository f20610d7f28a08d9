"""Bfloat16 in Triton's interpreter, which holds it as 16-bit integers and computes with those as if they were values.

Within `bfloat16_values` such operands are widened to fp32 first, and what becomes bfloat16 is rounded to the nearest
as a card does it, where the interpreter cuts. Checked with Triton 3.6.0 and 3.7.1. Import only in a process that
set ``TRITON_INTERPRET=1`` first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter

from .cuda_facade import patched
from .interpreter_limits import InterpreterLimit

_ARITHMETIC = re.compile(
    r"create_(dot|f(add|sub|mul|div|rem|ma|cmp\w+)|precise_divf|(max|min)(imumf|numf)|clampf)"
)
_QUIET_NAN = 0x7FC0


@contextmanager
def bfloat16_values() -> Iterator[None]:
    """Interpreted programs compute with bfloat16 as with the numbers that it stands for, while this is open."""
    builder = interpreter.InterpreterBuilder
    arithmetic = {
        name: _widening(getattr(builder, name)) for name in dir(builder) if _ARITHMETIC.fullmatch(name)
    }
    others = {
        "cast_impl": _cast(builder.cast_impl),
        "get_bf16": lambda self, value: _narrowed(np.array([value], dtype=np.float32)),
        "create_atomic_rmw": _refusing(builder.create_atomic_rmw),
    }
    with patched(builder, arithmetic | others):
        yield


def _widening(original: Callable[..., Any]) -> Callable[..., Any]:
    """An operation on values; its result is rounded where all operands were bfloat16, so a dot's sum is not."""

    def operation(builder: Any, *args: Any) -> Any:
        wide = [_widened(value) for value in args]
        result = original(builder, *wide)
        handles = [value for value in args if isinstance(value, interpreter.TensorHandle)]
        if all(_narrow(value) for value in handles) and result.data.dtype == np.float32:
            return _narrowed(result.data)
        return result

    return operation


def _cast(original: Callable[..., Any]) -> Callable[..., Any]:
    def cast(builder: Any, source: Any, kind: Any) -> Any:
        wide = _widened(source)
        if kind.scalar == tl.bfloat16:
            return _narrowed(wide.data.astype(np.float32))
        return original(builder, wide, kind)

    return cast


def _refusing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Atomic additions happen behind the interpreter's arithmetic, in its library."""

    def rmw(builder: Any, kind: Any, pointers: Any, value: Any, *rest: Any) -> Any:
        if _narrow(value):
            raise InterpreterLimit("Triton's interpreter cannot add bfloat16 values atomically")
        return original(builder, kind, pointers, value, *rest)

    return rmw


def _narrow(value: Any) -> bool:
    """Whether this is a handle of bfloat16; a comparison's outcome keeps its operands' type and is none."""
    return (
        isinstance(value, interpreter.TensorHandle)
        and value.dtype.scalar == tl.bfloat16
        and value.data.dtype == np.uint16
    )


def _widened(value: Any) -> Any:
    if not _narrow(value):
        return value
    bits = value.data.astype(np.uint32) << 16
    return interpreter.TensorHandle(bits.view(np.float32), tl.float32)


def _narrowed(values: Any) -> Any:
    """A handle of the nearest bfloat16 numbers, of two equally near ones the even one."""
    bits = values.view(np.uint32)
    nearest = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    kept = np.where(np.isnan(values), np.uint16(_QUIET_NAN), nearest)
    return interpreter.TensorHandle(kept, tl.bfloat16)
