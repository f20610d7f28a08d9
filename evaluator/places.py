"""Folders shared with untrusted processes, used so that nothing planted in them leads the judge elsewhere.

``given`` belongs to the judge and is read-only for runners, ``private`` is theirs to write.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path

from .phases import sha256_of

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: Path) -> int:
    """A new file's descriptor; raises OSError when the name is taken or its folder is a symlink."""
    folder = os.open(path.parent, _FOLDER)
    try:
        return os.open(path.name, _CREATE, 0o600, dir_fd=folder)
    finally:
        os.close(folder)


def last_line(path: Path, limit: int = 2000) -> str:
    """The last line of a regular file, from its last ``limit`` bytes; empty for everything else."""
    try:
        folder = os.open(path.parent, _FOLDER)
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
    empty(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()


def empty(folder: Path, seconds: float = 30.0) -> None:
    """Remove what is in a folder, however deep and however locked, as far as that goes within the time."""
    with contextlib.suppress(OSError):
        top = _opened(folder)
        try:
            _empty(top, time.monotonic() + seconds)
        finally:
            os.close(top)


def _empty(top: int, deadline: float) -> None:
    stuck: set[str] = set()
    while names := set(os.listdir(top)) - stuck:
        for name in names:
            if time.monotonic() > deadline:
                return
            if not _drop(name, top):
                stuck.add(name)


def _drop(name: str, top: int) -> bool:
    """Remove one entry; the folders in a folder move up first, so that no depth is too deep."""
    try:
        if not _unlink(name, top):
            folder = _unlocked(name, top)
            try:
                for inner in os.listdir(folder):  # noqa: PTH208
                    if not _unlink(inner, folder):
                        os.close(_unlocked(inner, folder))
                        os.rename(inner, secrets.token_hex(8), src_dir_fd=folder, dst_dir_fd=top)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    return True


def _unlink(name: str, folder: int) -> bool:
    """Whether it was no folder, and is gone."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        return False
    return True


def _opened(folder: Path) -> int:
    parent = os.open(folder.parent, _FOLDER)
    try:
        return _unlocked(folder.name, parent)
    finally:
        os.close(parent)


def _unlocked(name: str, parent: int) -> int:
    """The descriptor of a folder, whose owner may do everything in it from now on."""
    handle = os.open(name, os.O_PATH | _FOLDER, dir_fd=parent)
    try:
        with contextlib.suppress(OSError):
            Path(f"/proc/self/fd/{handle}").chmod(0o700)
        return os.open(".", _FOLDER, dir_fd=handle)
    finally:
        os.close(handle)


class Places:
    """Where the files of kernels lie below one warm parent's folder."""

    def __init__(self, folder: Path) -> None:
        self.given = folder / "given"
        self.private = folder / "private"
        self._sources: dict[str, Path] = {}
        self._caches: dict[str, Path] = {}

    def make(self) -> None:
        """Create both folders, and have them open to their owner."""
        for folder in (self.given, self.private):
            folder.mkdir(parents=True, exist_ok=True)
        self.unlock()

    def unlock(self) -> None:
        """Undo what a runner did to the rights on both folders."""
        for folder in (self.given, self.private):
            with contextlib.suppress(OSError):
                os.close(_opened(folder))

    def clean(self) -> None:
        """Forget every kernel and what its runs left: both folders are empty then."""
        for folder in (self.given, self.private):
            if not _is_folder(folder):  # something else under its name leads elsewhere
                folder.unlink(missing_ok=True)
            empty(folder)
        self.make()
        self._sources.clear()
        self._caches.clear()

    def source(self, text: str) -> Path:
        """The file of a kernel's source, where runners can only read it; a file that was changed is not used."""
        name = sha256_of(text)[:16]
        path = self._sources.get(name)
        if path is None or not _holds(path, text):
            self.make()
            folder = self.given / name
            if os.path.lexists(folder):
                folder = self.given / f"{name}-{secrets.token_hex(8)}"
            folder.mkdir()
            path = folder / "kernel.py"
            with os.fdopen(create(path), "wb") as file:
                file.write(_bytes(text))
            self._sources[name] = path
        return path

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


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _holds(path: Path, text: str) -> bool:
    """Whether that file is still what was written."""
    expected = _bytes(text)
    try:
        file = os.open(path, _READ)
        try:
            return stat.S_ISREG(os.fstat(file).st_mode) and os.read(file, len(expected) + 1) == expected
        finally:
            os.close(file)
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False
