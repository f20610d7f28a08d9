"""Limits on a task's own code, which runs inside the judge: it may neither hang nor end it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kernelwright.reference_kernels import Task, TaskError

SECONDS = 300.0
"""Of wall-clock time for an import, or for one description: a recurrence of 512 steps takes half a minute."""
_AGAIN = 1.0
"""Seconds after which it is told again: a bare except may swallow the first time."""


class _Late(BaseException):
    """Raised in the middle of whatever runs; no reference catches it by mistake as an Exception."""


@contextmanager
def held(task: Task, doing: str, seconds: float | None = None) -> Iterator[None]:
    """What runs within ends in time and does not exit, else raises `TaskError`.

    Only a process's main thread can be interrupted, and no call into C: elsewhere there is no limit.
    """
    limit = SECONDS if seconds is None else seconds
    try:
        with _alarm(limit):
            yield
    except _Late:
        raise TaskError(
            f"'{task.reference}' does not run: {doing} did not end within {limit:.3g} s"
        ) from None
    except SystemExit:
        raise TaskError(f"'{task.reference}' does not run: {doing} calls exit") from None


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    raise _Late
