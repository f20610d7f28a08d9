"""Looks at a sandbox from outside while the judge waits, and says when it takes more than it may."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from . import processes
from .defences import Defence, on
from .evaluation import Status

_SECONDS = 0.25
_SHARE = 0.1
"""Of the judge's time, at most: where a look takes long, there are fewer."""
_GB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """What one sandbox may take, and what it must leave to others. Sizes in bytes."""

    memory: int
    """Resident, over all its processes, less what files stand behind."""
    processes: int
    threads: int
    disk: int
    """Of its private folder."""
    files: int
    memory_left: int = _GB
    """What must stay available in the machine: also counts what no process has mapped."""
    disk_left: int = _GB


@dataclass(frozen=True)
class Seen(Limits):
    """What one look found."""


class Excess(Exception):
    """A sandbox is beyond a limit, as a status and one sentence."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Watch:
    """Looks at one sandbox: the processes below ``root`` and the files in ``folder``."""

    def __init__(self, root: int, folder: Path, limits: Limits) -> None:
        self._root = root
        self._folder = folder
        # Where little is left from the start, a candidate is not to blame for that.
        self._limits = replace(
            limits,
            memory_left=min(limits.memory_left, _memory_left() // 2),
            disk_left=min(limits.disk_left, _disk_left(folder) // 2),
        )
        self._next = 0.0

    def __call__(self, later: float = 0.0) -> None:
        """A look, if one has been due for so many seconds; raises `Excess`."""
        began = time.monotonic()
        if began < self._next + later or not on(Defence.WATCH):
            return
        found = excess(look(self._root, self._folder, self._limits), self._limits)
        ended = time.monotonic()
        self._next = ended + max(_SECONDS, (ended - began) / _SHARE)
        if found is not None:
            raise found


def default_limits() -> Limits:
    """For this machine: a quarter of its memory but 8 to 32 GB, threads by its cores."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Limits(
        memory=min(max(physical // 4, 8 * _GB), 32 * _GB),
        processes=256,
        threads=1024 + 16 * (os.cpu_count() or 1),
        disk=2 * _GB,
        files=50_000,
    )


_RULES = (
    ("processes", Status.RUNTIME_ERROR, 1, "it had {:.0f} processes where {:.0f} are allowed"),
    ("threads", Status.RUNTIME_ERROR, 1, "it had {:.0f} threads where {:.0f} are allowed"),
    ("files", Status.RUNTIME_ERROR, 1, "it had {:.0f} files in its folder where {:.0f} are allowed"),
    ("memory", Status.OUT_OF_MEMORY, _GB, "it held {:.2f} GiB of memory where {:.2f} are allowed"),
    ("disk", Status.RUNTIME_ERROR, _GB, "it held {:.2f} GiB of disk where {:.2f} are allowed"),
    (
        "memory_left",
        Status.OUT_OF_MEMORY,
        _GB,
        "the machine had {:.2f} GiB of memory left where {:.2f} must be",
    ),
    ("disk_left", Status.RUNTIME_ERROR, _GB, "its disk had {:.2f} GiB left where {:.2f} must be"),
)


def excess(seen: Seen, limits: Limits) -> Excess | None:
    """What is beyond its limit, if anything is. Pure."""
    for name, status, unit, said in _RULES:
        found, limit = getattr(seen, name), getattr(limits, name)
        if found < limit if name.endswith("_left") else found > limit:
            return Excess(status, f"{said.format(found / unit, limit / unit)}, so it was killed")
    return None


def look(root: int, folder: Path, limits: Limits) -> Seen:
    """What a sandbox has now; nothing is counted much further than its limit."""
    running = processes.alive()
    family = [one for one in running if one.pid == root] + processes.below([root], running)
    sizes = list(islice(_sizes(folder), limits.files + 1))
    return Seen(
        memory=_memory([one.pid for one in family], limits.memory) if len(family) <= limits.processes else 0,
        processes=len(family),
        threads=sum(one.threads for one in family),
        disk=sum(sizes),
        files=len(sizes),
        memory_left=_memory_left(),
        disk_left=_disk_left(folder),
    )


def _memory(family: list[int], limit: int) -> int:
    """Bytes that no file stands behind. Pages that processes share count once, where that makes a difference."""
    resident = [_kilobytes(f"/proc/{pid}/status", "RssAnon", "RssShmem") for pid in family]
    if sum(resident) * 1024 > limit:
        # Exact, and slow: the kernel walks every page.
        exact = [_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss_Anon", "Pss_Shmem") for pid in family]
        resident = [proportional or upper for proportional, upper in zip(exact, resident, strict=True)]
    return sum(resident) * 1024


def _memory_left() -> int:
    return _kilobytes("/proc/meminfo", "MemAvailable") * 1024


def _kilobytes(path: str, *names: str) -> int:
    """The sum of these lines of a file in /proc; 0 when it cannot be read."""
    total = 0
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        for line in file:
            name, _, value = line.partition(b":")
            if name.decode() in names:
                total += int(value.split()[0])
    return total


def _disk_left(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return sys.maxsize
    return found.f_bavail * found.f_frsize


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes on disk of everything in a folder; what cannot be read is left out."""
    open_ = [str(folder)]
    while open_:
        with contextlib.suppress(OSError), os.scandir(open_.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # gone since
                    yield entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        open_.append(entry.path)
