"""What a candidate raised, as a status and one sentence. Used in runners."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path

from .defences import Defence
from .evaluation import Status


class Refused(Exception):
    """An order failed for a reason that the runner itself found."""

    def __init__(self, status: Status, reason: str, defence: Defence | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.defence = defence


_FOLDERS = re.compile(r"(?<![\w./])/(?:[\w.+@-]+/)+(?=[\w.+@-])")
"""Of an absolute path: random names and the machine's own, which would stand in the next prompt."""

_BY_NAME = {
    "OutOfResources": Status.RESOURCE_LIMIT,
    "CompilationError": Status.COMPILE_ERROR,
    "CompileTimeAssertionFailure": Status.COMPILE_ERROR,
    "UnsupportedLanguageConstruct": Status.COMPILE_ERROR,
    "PTXASError": Status.COMPILE_ERROR,
    "MLIRError": Status.COMPILE_ERROR,
    "OutOfMemoryError": Status.OUT_OF_MEMORY,
    "MemoryError": Status.OUT_OF_MEMORY,
}


def classify(error: BaseException) -> tuple[Status, str]:
    """Status and one sentence for whatever candidate code raised."""
    if isinstance(error, Refused):
        return error.status, error.reason
    limit = _interpreter_limit(error)
    if limit is not None:
        return Status.UNCHECKED, limit
    names = [kind.__name__ for kind in type(error).__mro__]
    status = next((_BY_NAME[name] for name in names if name in _BY_NAME), Status.RUNTIME_ERROR)
    return status, f"{type(error).__name__}{_place(error)}: {_message(error)}"


def _interpreter_limit(error: BaseException) -> str | None:
    if os.environ.get("TRITON_INTERPRET") != "1":
        return None
    from .offline.interpreting import is_interpreter_limit

    try:
        return is_interpreter_limit(error)
    except Exception:  # a hostile __str__
        return None


def _place(error: BaseException) -> str:
    """Where in the candidate it happened."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == "kernel.py"
    ]
    return f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""


def _message(error: BaseException) -> str:
    """Up to 500 characters of the message, from its telling end for compiler errors; files without folders."""
    try:
        text = _FOLDERS.sub("…/", " ".join(str(error).split()))
    except Exception:  # a hostile __str__
        return "no message"
    return text if len(text) <= 500 else f"{text[:240]} … {text[-240:]}"
