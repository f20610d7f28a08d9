"""The places where this package reaches into Triton's interpreter: all of its private names are used here
or in `interpreter_bfloat16`.

Checked with Triton 3.6.0 and 3.7.1. Import only in a process that set ``TRITON_INTERPRET=1`` first.
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
from .ledger import Ledger

_LEVEL = "_kernelwright_level"


def _handles(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _handles(value)
        elif isinstance(value, interpreter.TensorHandle):
            yield value


def _level(ledger: Ledger, *values: Any) -> tuple[int, bool]:
    """How many dependent loads stand before these values in this block, and whether any came from memory."""
    marks = [mark for handle in _handles(values) if (mark := getattr(handle, _LEVEL, None))]
    return max((level for block, level in marks if block == ledger.number), default=0), bool(marks)


def _mark(ledger: Ledger, result: Any, level: int) -> None:
    for handle in _handles([result]):
        setattr(handle, _LEVEL, (ledger.number, level))


_ARITHMETIC = re.compile(
    r"create_(f(add|sub|mul|div|rem|ma|abs|cmp\w+)|precise_\w+|exp2?|log2?|sin|cos|sqrt|rsqrt|erf|floor|ceil"
    r"|(max|min)(imumf|numf)|clampf|select)"
)


def _traced(original: Callable[..., Any], ledger: Ledger, arithmetic: bool) -> Callable[..., Any]:
    """A builder operation whose result is as dependent as its operands."""

    def operation(builder: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(builder, *args, **kwargs)
        level, loaded = _level(ledger, *args, *kwargs.values())
        if loaded and not any(hasattr(handle, _LEVEL) for handle in _handles([result])):
            _mark(ledger, result, level)
        if arithmetic:
            ledger.elementwise += result.data.size * ledger.weight
        return result

    return operation


def _memory(ledger: Ledger) -> dict[str, Callable[..., Any]]:
    """Loads that return zeros, stores that go nowhere, atomics that do both: each noted in the ledger."""

    def size(pointers: Any) -> int:
        return max(1, int(pointers.get_element_ty().primitive_bitwidth) // 8)

    def load(builder: Any, pointers: Any, mask: Any, other: Any, *hints: Any, **named: Any) -> Any:
        level, indirect = _level(ledger, pointers, mask)[0], _level(ledger, pointers)[1]
        dtype = pointers.get_element_ty()
        level = ledger.load(_addresses(pointers), _active(mask), size(pointers), level, indirect)
        zeros = np.zeros_like(pointers.data, dtype=interpreter._get_np_dtype(dtype))
        result = interpreter.TensorHandle(zeros, dtype)
        _mark(ledger, result, level)
        return result

    def store(builder: Any, pointers: Any, value: Any, mask: Any, *hints: Any, **named: Any) -> None:
        ledger.store(_addresses(pointers), _active(mask), size(pointers), _level(ledger, pointers)[1])

    def both(pointers: Any, value: Any, mask: Any) -> Any:
        result = load(None, pointers, mask, None)
        store(None, pointers, value, mask)
        return result

    def rmw(builder: Any, kind: Any, pointers: Any, value: Any, mask: Any, *hints: Any) -> Any:
        return both(pointers, value, mask)

    def cas(builder: Any, pointers: Any, compare: Any, value: Any, *hints: Any) -> Any:
        return both(pointers, value, interpreter.TensorHandle(np.ones_like(pointers.data, dtype=bool), None))

    return {
        "create_masked_load": load,
        "create_masked_store": store,
        "create_atomic_rmw": rmw,
        "create_atomic_cas": cas,
    }


def _addresses(pointers: Any) -> Any:
    return np.asarray(pointers.data).astype(np.int64)


def _active(mask: Any) -> Any:
    """Block pointers hand their masks over as plain arrays."""
    return np.asarray(getattr(mask, "data", mask)).astype(bool) if not isinstance(mask, np.ndarray) else mask


def _dot(ledger: Ledger) -> Callable[..., Any]:
    """A product of the right shape and no values: zeros times zeros need no arithmetic."""

    def dot(builder: Any, a: Any, b: Any, d: Any, *args: Any, **kwargs: Any) -> Any:
        ledger.dot(2 * int(np.prod(a.data.shape)) * int(b.data.shape[-1]))
        result = interpreter.TensorHandle(np.array(d.data), d.dtype.scalar)
        _mark(ledger, result, _level(ledger, a, b, d)[0])
        return result

    return dot


def _reduced(ledger: Ledger, operation: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a reduction or scan gives, by shape alone, marked as dependent as what went in.

    It is a barrier for a program's warps, so loads behind it wait for the loads before it.
    """
    level, loaded = _level(ledger, *(value.handle for value in values))
    results = []
    for value in values:
        data = value.handle.data
        ledger.elementwise += data.size * ledger.weight
        if isinstance(operation, interpreter.ReduceOps):
            data = data.sum(axis=operation.axis, keepdims=operation.keep_dims)
        results.append(operation.to_tensor(np.asarray(data), value.dtype))
    if loaded:
        ledger.barrier(level)
        _mark(ledger, [one.handle for one in results], level)
    return tuple(results)


def _reductions(ledger: Ledger) -> dict[str, Callable[..., Any]]:
    def apply(self: Any, values: Any) -> Any:
        if isinstance(values, tuple):
            return _reduced(ledger, self, values)
        return _reduced(ledger, self, (values,))[0]

    return {"apply": apply}


@contextmanager
def counted(ledger: Ledger) -> Iterator[None]:
    """Interpreted programs write into ``ledger`` and touch no memory while this is open."""
    builder = interpreter.InterpreterBuilder
    names = [name for name in dir(builder) if name.startswith("create_")]
    hooks = {
        name: _traced(getattr(builder, name), ledger, bool(_ARITHMETIC.fullmatch(name))) for name in names
    }
    hooks |= {"create_dot": _dot(ledger)} | _memory(ledger)
    with (
        patched(builder, hooks),
        patched(interpreter.ReduceScanOpInterface, _reductions(ledger)),
        np.errstate(all="ignore"),
    ):
        yield


@contextmanager
def language_patched_once() -> Iterator[None]:
    """Patch triton.language once for the whole context instead of at each launch and each device call.

    Triton inspects every member of ``tl`` each time, some milliseconds at each ``tl.sum`` in a loop.
    """
    scopes: dict[frozenset[int], Any] = {}
    original = interpreter._patch_lang

    class Kept:
        """A scope that stays."""

        def restore(self) -> None:
            """Restored when the context ends."""

    def patch(fn: Any) -> Kept:
        found = frozenset(
            id(lang) for lang in (tl, tl.core) if any(value is lang for value in fn.__globals__.values())
        )
        if found not in scopes:
            scopes[found] = original(fn)
        return Kept()

    with patched(interpreter, {"_patch_lang": patch}):
        try:
            yield
        finally:
            for scope in reversed(list(scopes.values())):
                if scope is not None:
                    scope.restore()


@contextmanager
def sampled_loops(ledger: Ledger, scope: dict[str, Any]) -> Iterator[None]:
    """``range`` and ``tl.range`` run only the iterations that the ledger's plan names; ``scope``: the globals.

    ``tl.static_range`` stays: it is unrolled, so its iterations are one block of code.
    """

    def loop(*bounds: Any, num_stages: Any = None, step: Any = None, **hints: Any) -> Iterator[int]:
        numbers = [int(getattr(bound, "value", bound)) for bound in bounds]
        if step is not None:
            numbers = [*([0, *numbers] if len(numbers) == 1 else numbers), int(getattr(step, "value", step))]
        return ledger.iterate(range(*numbers), getattr(num_stages, "value", num_stages))

    with patched(tl, {"range": loop}), _entry(scope, "range", loop):
        yield


@contextmanager
def _entry(mapping: dict[str, Any], key: str, value: object) -> Iterator[None]:
    absent = key not in mapping
    before = mapping.get(key)
    mapping[key] = value
    try:
        yield
    finally:
        if absent:
            del mapping[key]
        else:
            mapping[key] = before


def run_program(
    function: Any, arguments: dict[str, Any], grid: tuple[int, int, int], at: tuple[int, int, int]
) -> None:
    """One program of an interpreted function; ``arguments`` as `argument` and `pointer` made them."""
    interpreter._patch_lang(function.fn)
    interpreter.interpreter_builder.set_grid_dim(*grid)
    interpreter.interpreter_builder.set_grid_idx(*at)
    function.rewrite()(**arguments)


def pointer(address: int, dtype: str) -> Any:
    """A pointer argument that points to ``address``; ``dtype`` as torch names it."""
    kind = tl.pointer_type(_TYPES[dtype])
    return tl.tensor(interpreter.TensorHandle(np.array([address], dtype=np.uint64), kind), kind)


def argument(value: Any) -> Any:
    """Any other run-time argument, as the interpreter wants it."""
    return interpreter._implicit_cvt(value)


def constant(value: Any) -> Any:
    """A tl.constexpr's value; a recorded dtype comes as its name."""
    if isinstance(value, str):
        named = getattr(tl, value.removeprefix("triton.language."), None)
        return named if isinstance(named, tl.dtype) else _TYPES.get(value, value)
    return value


_TYPES = {
    "float64": tl.float64,
    "float32": tl.float32,
    "float16": tl.float16,
    "bfloat16": tl.bfloat16,
    "float8_e4m3fn": tl.float8e4nv,
    "float8_e5m2": tl.float8e5,
    "int64": tl.int64,
    "int32": tl.int32,
    "int16": tl.int16,
    "int8": tl.int8,
    "uint64": tl.uint64,
    "uint32": tl.uint32,
    "uint16": tl.uint16,
    "uint8": tl.uint8,
    "bool": tl.int1,
}
