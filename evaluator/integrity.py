"""Notices when a candidate replaces what its own measurement rests on. Runs in the runner.

What runs in one process with the candidate can be fooled by it, so this is a signal with a name, not a proof: the
judge's clock, the floor and the profiler stand outside.
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Iterator
from types import CellType, FunctionType, ModuleType
from typing import Any

import torch
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

_MISSING = object()
_OWN = (
    "runner", "channel", "classify", "exchange", "importing", "integrity", "defences", "launch_log", "outputs",
    "measured.tracing",
)  # fmt: skip
_NAMES: dict[str, tuple[str, ...]] = {
    "torch": ("empty", "empty_like", "equal", "no_grad", "inference_mode", "as_tensor", "from_file"),
    "torch.Tensor": ("copy_", "fill_", "view", "is_cuda", "untyped_storage", "dtype", "shape", "__torch_function__"),
    "torch.cuda": ("Event", "Stream", "synchronize", "current_stream", "init"),
    "torch.cuda.Event": ("record", "elapsed_time", "synchronize", "query", "__new__", "__init__"),
    "torch._C._CudaEventBase": ("record", "elapsed_time", "synchronize"),
    "torch.profiler": ("profile",),
    "torch.nn.Module": ("__call__", "load_state_dict", "cuda"),
    "time": ("time", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "time_ns", "sleep"),
    "json": ("dumps", "loads"),
    "socket.socket": ("send", "sendall", "recv"),
    "os": ("_exit", "read", "write"),
    "triton.testing": ("do_bench", "do_bench_cudagraph"),
    "triton.runtime.jit.JITFunction": ("run", "__getitem__"),
    "triton.runtime.autotuner.Autotuner": ("run", "_bench"),
    "builtins": ("isinstance", "type", "len", "zip", "list", "__import__", "open", "float"),
}  # fmt: skip


_OPERATIONS = (
    "aten::copy_", "aten::fill_.Scalar", "aten::zero_", "aten::view", "aten::view.dtype", "aten::sum",
    "aten::empty.memory_format", "aten::detach", "aten::as_strided",
)  # fmt: skip
"""What a runner itself asks of PyTorch around a call."""


class Snapshot:
    """What the watched names stood for before the candidate was imported."""

    def __init__(self) -> None:
        self._was = dict(_watched())

    def replaced(self) -> list[str]:
        """Names that stand for something else now."""
        return [name for name, now in _watched() if not _same(self._was.get(name, _MISSING), now)]


def flags() -> dict[str, object]:
    """Settings of PyTorch that hold for a whole process and change what its operations do."""
    return {
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "cudnn.deterministic": torch.backends.cudnn.deterministic,
        "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "default_dtype": str(torch.get_default_dtype()),
        "num_threads": torch.get_num_threads(),
    }


def _same(before: object, now: object) -> bool:
    if isinstance(before, tuple) and isinstance(now, tuple):
        return len(before) == len(now) and all(a is b for a, b in zip(before, now, strict=True))
    return before is now


def _watched() -> Iterator[tuple[str, object]]:
    """Each name with what it stands for; a function with its code and closure, which can be exchanged within it."""
    for path, attributes in _NAMES.items():
        owner = _find(path)
        for attribute in attributes if owner is not None else ():
            yield f"{path}.{attribute}", _identity(inspect.getattr_static(owner, attribute, _MISSING))
    for name in _OWN:
        module = sys.modules.get(f"{__package__}.{name}")
        for attribute, value in list(vars(module).items()) if module else ():
            if isinstance(value, FunctionType | type):
                yield f"{__package__}.{name}.{attribute}", _identity(value)
    yield from _hooks()
    yield "sys.modules['torch']", sys.modules.get("torch")


def _hooks() -> Iterator[tuple[str, object]]:
    """What runs code of its own within other people's calls."""
    yield "sys.meta_path", tuple(sys.meta_path)
    yield "sys.setprofile", sys.getprofile()
    yield "sys.settrace", sys.gettrace()
    yield "gc.callbacks", tuple(gc.callbacks)
    if sys.version_info >= (3, 12):
        yield "sys.monitoring", tuple(sys.monitoring.get_tool(number) for number in range(6))
    yield "torch's function modes", tuple(_get_current_function_mode_stack())
    yield "torch's dispatch modes", tuple(_get_current_dispatch_mode_stack())
    for operation in _OPERATIONS:
        yield f"the kernels of {operation}", _kernels(operation)


def _kernels(operation: str) -> str:
    """Who computes an operation, interned so that the same text is the same object.

    Rules for shapes alone ("Meta") may be registered at any time, as compilers do.
    """
    lines = torch._C._dispatch_dump(operation).splitlines()
    return sys.intern("\n".join(line for line in lines if "Meta" not in line.partition(":")[0]))


def _identity(value: object) -> object:
    plain = getattr(value, "__func__", value)
    if not isinstance(plain, FunctionType):
        return value
    return (plain, plain.__code__, *(_content(cell) for cell in plain.__closure__ or ()))


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return _MISSING


def _find(path: str) -> Any:
    """The module or class of that dotted name, if it is imported; never imports."""
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        if isinstance(found, ModuleType):
            for part in parts[cut:]:
                found = inspect.getattr_static(found, part, None)
            return found
    return None
