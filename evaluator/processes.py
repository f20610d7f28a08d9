"""The processes of this machine as /proc shows them, and how a whole family of them is ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

_LIBC = ctypes.CDLL(None)
_COMPARE = {"x86_64": 312, "aarch64": 272}.get(platform.machine(), -1)  # the kernel's number of kcmp
_COMPARE_FILES = 2


class Process(NamedTuple):
    """One process; its number and its start together belong to no other."""

    pid: int
    parent: int
    threads: int
    started: int
    """Clock ticks after boot."""


def alive() -> list[Process]:
    """Everything that runs, as far as /proc shows it; what only waits to be reaped is left out."""
    return [found for found in map(look_up, _numbers()) if found is not None]


def _numbers() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


def look_up(pid: int) -> Process | None:
    """That process, or None when it is dead."""
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            raw = os.read(file, 4096)
        finally:
            os.close(file)
    except OSError:
        return None
    # The name in parentheses may hold anything; what counts follows its last one.
    fields = raw.rpartition(b")")[2].split()
    threads = int(fields[17])
    # A process whose first thread has ended looks like a zombie while its other threads go on.
    if fields[0] in (b"Z", b"X") and threads < 2:
        return None
    return Process(pid, int(fields[1]), threads, int(fields[19]))


def below(roots: Iterable[int], among: Iterable[Process]) -> list[Process]:
    """The descendants of these processes, without themselves."""
    children: dict[int, list[Process]] = {}
    for process in among:
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    open_ = [child for root in roots for child in children.pop(root, [])]
    while open_:
        process = open_.pop()
        found.append(process)
        open_ += children.pop(process.pid, [])
    return found


def threads_of(uid: int) -> int:
    """How many threads that user has."""
    total = 0
    for process in alive():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{process.pid}").st_uid == uid:  # noqa: PTH116
                total += process.threads
    return total


def opened(pids: Iterable[int]) -> Iterator[os.stat_result]:
    """What every descriptor of these processes leads to, also where no path does; what cannot be read is left out."""
    for pid in pids:
        for table in _tables(pid):
            with contextlib.suppress(OSError), os.scandir(table) as descriptors:
                for descriptor in descriptors:
                    with contextlib.suppress(OSError):  # closed since
                        yield descriptor.stat()


def _tables(pid: int) -> Iterator[str]:
    """The folders in /proc of its descriptors: a thread may have some of its own."""
    yield f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            # Below zero where the kernel does not say.
            if _LIBC.syscall(_COMPARE, pid, int(thread), _COMPARE_FILES, 0, 0) > 0:
                yield f"/proc/{pid}/task/{thread}/fd"


def end(find: Callable[[], list[Process]], seconds: float) -> bool:
    """Kill what ``find`` finds until it finds nothing; False when something is left after that time.

    All are stopped before any is killed, so that none is born of one that comes later in the list.
    """
    stopped: set[Process] = set()
    began = time.monotonic()
    while found := find():
        spent = time.monotonic() - began
        if spent > seconds:
            return False
        moving = {Process(one.pid, 0, 0, one.started) for one in found} - stopped
        stopped |= moving
        late = spent > seconds / 2  # what is woken up again as fast as it is stopped
        for process in found:
            send(process, signal.SIGSTOP if moving and not late else signal.SIGKILL)
        if not moving:
            time.sleep(0.002)
    return True


def send(process: Process, number: signal.Signals) -> None:
    """Signal it, if it is still the one that bears this number."""
    now = look_up(process.pid)
    if now is not None and now.started == process.started:
        with contextlib.suppress(OSError):
            os.kill(process.pid, number)
