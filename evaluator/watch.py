"""Looks at a sandbox from outside while the judge waits, and says when it takes more than it may."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path

from . import processes
from .defences import Defence, on
from .evaluation import Status

_SECONDS = 0.25
_SHARE = 0.1
"""Of the judge's time, at most: where a look takes long, there are fewer."""
_GB = 1 << 30
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Limits:
    """What one sandbox may take, and what it must leave to others. Sizes in bytes."""

    memory: int
    """Resident, over all its processes, less what files stand behind; or in files in memory that it holds open."""
    processes: int
    threads: int
    disk: int
    """Of its private folder, and of files without a name that its processes hold open."""
    files: int
    depth: int = 50
    """Of folders in its private folder: the look holds two descriptors for each on its way down."""
    descriptors: int = 16_384
    """Open in all its processes: so far does the look for files without a name go."""
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
    ("depth", Status.RUNTIME_ERROR, 1, "it had files {:.0f} folders deep where {:.0f} are allowed"),
    ("descriptors", Status.RUNTIME_ERROR, 1, "it had {:.0f} descriptors open where {:.0f} are allowed"),
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
    pids = [one.pid for one in family] if len(family) <= limits.processes else []
    named = _named(folder, limits)
    opened = list(islice(processes.opened(pids), limits.descriptors + 1))
    in_memory, on_disk = _nameless(opened)
    # A file may have lost its name between the two, or have several.
    disk = {_inode(facts): facts.st_blocks * 512 for _, facts in named} | on_disk
    return Seen(
        memory=_memory(pids, sum(in_memory.values()), limits.memory),
        processes=len(family),
        threads=sum(one.threads for one in family),
        disk=sum(disk.values()),
        files=len(named),
        depth=max((level for level, _ in named), default=0),
        descriptors=len(opened),
        memory_left=_memory_left(),
        disk_left=_disk_left(folder),
    )


def _memory(family: list[int], held: int, limit: int) -> int:
    """Bytes that no file on disk stands behind. Pages that processes share count once, where that decides.

    Of what is mapped and what is ``held`` open the larger counts, since most of it is the same.
    """
    plain = [_kilobytes(f"/proc/{pid}/status", "RssAnon", "RssShmem") for pid in family]
    found = _larger(plain, held)
    if found <= limit:
        return found
    # Exact, and slow: the kernel walks every page.
    exact = [_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss_Anon", "Pss_Shmem") for pid in family]
    return _larger([one if any(one) else upper for one, upper in zip(exact, plain, strict=True)], held)


def _larger(resident: list[list[int]], held: int) -> int:
    own = sum(one[0] for one in resident) * 1024
    mapped = sum(one[1] for one in resident) * 1024
    return own + max(mapped, held)


_Inode = tuple[int, int]


def _inode(facts: os.stat_result) -> _Inode:
    return facts.st_dev, facts.st_ino


def _nameless(opened: Iterable[os.stat_result]) -> tuple[dict[_Inode, int], dict[_Inode, int]]:
    """The bytes of every open file that has no name, in memory and on disk, less what this process has given."""
    found = {
        _inode(facts): facts.st_blocks * 512
        for facts in opened
        if stat.S_ISREG(facts.st_mode) and facts.st_nlink == 0
    }
    if found:
        for facts in processes.opened([os.getpid()]):
            found.pop(_inode(facts), None)
    in_memory = {inode: size for inode, size in found.items() if inode[0] == _memory_device()}
    return in_memory, {inode: size for inode, size in found.items() if inode not in in_memory}


@cache
def _memory_device() -> int:
    """Of all memfds: the kernel keeps them in one file system."""
    file = os.memfd_create("kernelwright-watch", os.MFD_CLOEXEC)
    try:
        return os.fstat(file).st_dev
    finally:
        os.close(file)


def _memory_left() -> int:
    return _kilobytes("/proc/meminfo", "MemAvailable")[0] * 1024


def _kilobytes(path: str, *names: str) -> list[int]:
    """These lines of a file in /proc; 0 for what cannot be read."""
    found = dict.fromkeys(names, 0)
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        for line in file:
            name, _, value = line.partition(b":")
            if name.decode() in found:
                found[name.decode()] = int(value.split()[0])
    return list(found.values())


def _disk_left(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return sys.maxsize
    return found.f_bavail * found.f_frsize


def _named(folder: Path, limits: Limits) -> list[tuple[int, os.stat_result]]:
    """Everything in a folder with its depth, a little further than the limits; what cannot be read is left out."""
    with contextlib.suppress(OSError):
        top = os.open(folder, _FOLDER)
        with closing(_walk(top, 1, limits.depth)) as found:
            return list(islice(found, limits.files + 1))
    return []


def _walk(folder: int, level: int, deepest: int) -> Generator[tuple[int, os.stat_result], None, None]:
    """By descriptors, which it closes: a path may be too long to open, or lead elsewhere by now."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # gone since
                    facts = entry.stat(follow_symlinks=False)
                    yield level, facts
                    if stat.S_ISDIR(facts.st_mode) and level <= deepest:
                        yield from _walk(os.open(entry.name, _FOLDER, dir_fd=folder), level + 1, deepest)
    finally:
        os.close(folder)
