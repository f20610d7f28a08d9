"""Says in one sentence why a candidate could not be recorded, and under which status."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
from triton.compiler.errors import CompilationError
from triton.runtime.errors import OutOfResources, PTXASError

from ..evaluation import Status
from .recorder import Recorder
from .recording_driver import GridDoesNotFit, RecordingDriver

_NEEDS_VALUES = (DataDependentOutputException, DynamicOutputShapeException)
_BEYOND_FAKES = (UnsupportedFakeTensorException, UnsupportedOperatorException)
_LONGEST = 400
_UNITS = {
    "shared memory": "bytes of shared memory per program",
    "threads": "threads per program",
    "tensor memory": "columns of tensor memory",
}


class ContractBroken(Exception):
    """The candidate is not what a task's kernel has to be; the message says how."""

    def __init__(self, message: str, status: Status = Status.RUNTIME_ERROR) -> None:
        super().__init__(message)
        self.status = status


def explain(
    error: BaseException, candidate: Path, recorder: Recorder, driver: RecordingDriver
) -> tuple[Status, str]:
    """Status and reason for an exception that came out of a candidate."""
    if isinstance(error, ContractBroken):
        return error.status, _short(str(error))
    if isinstance(error, OutOfResources):
        return Status.RESOURCE_LIMIT, _too_large(error, driver)
    if isinstance(error, GridDoesNotFit):
        return Status.RESOURCE_LIMIT, str(error)
    where = _where(error, candidate)
    if isinstance(error, _NEEDS_VALUES):
        return (
            Status.UNCHECKED,
            f"host code depends on the values of a tensor, which offline are not known{where}",
        )
    if isinstance(error, _BEYOND_FAKES):
        return Status.UNCHECKED, f"{_named(error)} cannot be followed without a card{where}"
    for failure, kernel in recorder.compile_failures:
        if failure in _chain(error):
            return Status.COMPILE_ERROR, _refusal(failure, kernel, candidate)
    if isinstance(error, SyntaxError) and error.filename == str(candidate):
        return Status.INVALID_SOURCE, f"the source does not parse: {error.msg} (line {error.lineno})"
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return Status.OUT_OF_MEMORY, f"{_named(error)}{where}"
    return Status.RUNTIME_ERROR, f"{_named(error)}{where}"


def _too_large(error: Any, driver: RecordingDriver) -> str:
    unit = _UNITS.get(error.name, error.name)
    kernel, card = driver.utils.loading, driver.gpu.title
    return f"kernel '{kernel}' needs {error.required} {unit} and {card} has {error.limit}"


def _refusal(error: BaseException, kernel: str, candidate: Path) -> str:
    """What the compiler said, at the innermost line that the candidate itself wrote."""
    if isinstance(error, PTXASError):
        return _short(f"kernel '{kernel}': {error}")
    text = candidate.read_text(encoding="utf-8")
    located = [
        (line, step)
        for step in _chain(error)
        if isinstance(step, CompilationError) and (line := _line(step, text))
    ]
    place = f", line {located[-1][0]}" if located else ""
    messages = [_message(step) for step in _chain(error)]
    said = next((message for message in reversed(messages) if message), type(error).__name__)
    return _short(f"kernel '{kernel}'{place}: {said}")


def _line(error: Any, text: str) -> int | None:
    """The line in the candidate: Triton counts from the ``def`` of the function it was compiling."""
    start = text.find(error.src) if error.src else -1
    if start < 0 or not hasattr(error.node, "lineno"):
        return None
    return text.count("\n", 0, start) + int(error.node.lineno)


def _message(error: BaseException) -> str:
    if isinstance(error, CompilationError):
        return error.error_message or ""
    return str(error) or type(error).__name__


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and what caused it, outermost first."""
    return list(_causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _where(error: BaseException, candidate: Path) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(candidate)]
    return f" (line {own[-1].lineno}: {own[-1].line})" if own else ""


def _named(error: BaseException) -> str:
    message = str(error)
    return _short(f"{type(error).__name__}: {message}" if message else type(error).__name__)


def _short(message: str) -> str:
    """One line of bearable length."""
    line = " ".join(message.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
