"""Limits on a task's own code, which runs inside the judge: it may neither hang nor end it.

What cannot be stopped from within, since it ends the process or stays in one call into C, is shown to the judge's
client, which stops it from without.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kernelwright.reference_kernels import Task, TaskError

from ..vigil import Note, Page
from .room import bounded

SECONDS = 300.0
"""Of wall-clock time for an import, or for one description: a recurrence of 512 steps takes half a minute."""
_AGAIN = 1.0
"""Seconds after which it is told again: a bare except may swallow the first time."""


class Overdue(TaskError):
    """A task's code took too long; nothing that it is asked again would be quicker."""


class _Late(BaseException):
    """Raised in the middle of whatever runs; no reference catches it by mistake as an Exception."""


class _Shown:
    """Where the process shows whose code runs, and the descriptor that has to stay open for its answers."""

    page: Page | None = None
    answers = -1


def show_on(page: Page, answers: int) -> None:
    """From now on the code that is `held` is shown there."""
    _Shown.page, _Shown.answers = page, answers


@contextmanager
def held(task: Task, doing: str) -> Iterator[None]:
    """What runs within ends in time and does not exit, else raises `TaskError`.

    Only a process's main thread can be interrupted, and no call into C: elsewhere there is no limit but the client's.
    """
    try:
        with _shown(task, doing), bounded(), _alarm(SECONDS):
            yield
    except _Late:
        raise Overdue(too_late(str(task.reference), doing)) from None
    except SystemExit:
        raise TaskError(f"'{task.reference}' does not run: {doing} calls exit") from None


def too_late(reference: str, doing: str) -> str:
    """The sentence on code that took longer than `SECONDS`."""
    return f"'{reference}' does not run: {doing} did not end within {SECONDS:.3g} s"


@contextmanager
def _shown(task: Task, doing: str) -> Iterator[None]:
    """The client can see what runs; a copy of the process that the code made ends with it."""
    process = os.getpid()
    note = Note(str(task.reference), doing, time.monotonic())
    if _Shown.page:
        _Shown.page.write(note)
    try:
        yield
    finally:
        if os.getpid() != process:
            os._exit(0)
        if _Shown.page:
            _end_unless_open(_Shown.page, note)
            _Shown.page.clear()


def _end_unless_open(page: Page, note: Note) -> None:
    """A judge that can no longer answer leaves the reason where its client will find it."""
    try:
        os.fstat(_Shown.answers)
    except OSError:
        page.write(note._replace(doing=f"{note.doing} closed files that are not its own and"))
        os._exit(1)


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
