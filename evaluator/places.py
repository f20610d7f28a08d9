"""Folders shared with untrusted processes, used so that nothing planted in them leads the judge elsewhere.

``given`` belongs to the judge and is read-only for runners, ``private`` is theirs to write.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path

from .phases import sha256_of

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: Path) -> int:
    """A new file's descriptor; raises OSError when the name is taken or its folder is a symlink."""
    folder = os.open(path.parent, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.open(path.name, _CREATE, 0o600, dir_fd=folder)
    finally:
        os.close(folder)


def last_line(path: Path, limit: int = 2000) -> str:
    """The last line of a regular file, from its last ``limit`` bytes; empty for everything else."""
    try:
        folder = os.open(path.parent, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            file = os.open(path.name, _READ, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError:
        return ""
    try:
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode):
            return ""
        text = os.pread(file, limit, max(0, facts.st_size - limit)).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(file)
    return next(iter(reversed(text.strip().splitlines())), "")


def remove(folder: Path) -> None:
    """Remove a folder and what is in it; never follows a symlink, never raises for what cannot be removed."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:  # nested deeper than Python's stack: it goes with the machine's temporary files
        return


class Places:
    """Where the files of kernels lie below one warm parent's folder."""

    def __init__(self, folder: Path) -> None:
        self.given = folder / "given"
        self.private = folder / "private"
        self._sources: dict[str, Path] = {}
        self._caches: dict[str, Path] = {}

    def make(self) -> None:
        """Create both folders."""
        self.given.mkdir(parents=True, exist_ok=True)
        self.private.mkdir(parents=True, exist_ok=True)

    def source(self, text: str) -> Path:
        """The file of a kernel's source, written once, where runners can only read it."""
        name = sha256_of(text)[:16]
        if name not in self._sources:
            self.make()
            folder = self.given / name
            if os.path.lexists(folder):
                folder = self.given / f"{name}-{secrets.token_hex(8)}"
            folder.mkdir()
            path = folder / "kernel.py"
            with os.fdopen(create(path), "wb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
            self._sources[name] = path
        return self._sources[name]

    def cache(self, text: str) -> Path:
        """The Triton cache of one kernel, for its own runs; the judge makes the folder and never writes there."""
        name = sha256_of(text)[:16]
        path = self._caches.get(name)
        if path is None or not _is_folder(path):
            self.make()
            path = self.private / f"cache-{secrets.token_hex(8)}"
            path.mkdir()
            self._caches[name] = path
        return path


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
