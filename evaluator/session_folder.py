"""A judge's folder of temporary files, and the removal of those that dead judges left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .places import remove

_PREFIX = "kernelwright-"
_LOCK = "lock"


@contextmanager
def session_folder() -> Iterator[Path]:
    """A fresh folder, locked while this process lives, and removed afterwards."""
    sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = os.open(folder / "lock.new", os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Under its name only once it is locked: a sweep in between would take the folder for abandoned.
        (folder / "lock.new").rename(folder / _LOCK)
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove this user's session folders whose judge is dead."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            facts = folder.lstat()
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid():
                _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove(folder)
    finally:
        os.close(lock)
