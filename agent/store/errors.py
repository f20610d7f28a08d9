"""What can go wrong with a store, each in one sentence that says what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(Exception):
    """The store cannot do what was asked; nothing that it holds was lost."""


class CampaignHeld(StoreError):
    """Another process runs this campaign."""


_SENTENCES = {
    sqlite3.SQLITE_FULL: "the disk under store '{path}' is full: free some space and resume, "
    "everything stored before is kept",
    sqlite3.SQLITE_READONLY: "store '{path}' is read-only: make the file and its folder writable, "
    "or name another with --store",
    sqlite3.SQLITE_NOTADB: "'{path}' is not a kernelwright store: name another file with --store",
    sqlite3.SQLITE_CORRUPT: "store '{path}' is damaged: save a copy, then try `sqlite3 '{path}' .recover`",
    sqlite3.SQLITE_BUSY: "store '{path}' is busy with another process's write: wait a moment and try again",
    sqlite3.SQLITE_LOCKED: "store '{path}' is busy with another process's write: wait a moment and try again",
    sqlite3.SQLITE_IOERR: "store '{path}' could not be read or written ({problem}): check the disk's space, "
    "quota and health, everything stored before is kept",
    sqlite3.SQLITE_CANTOPEN: "store '{path}' cannot be opened: check that it is a file in a folder "
    "that may be read and written",
    sqlite3.SQLITE_CONSTRAINT: "store '{path}' refused an entry that does not fit the others ({problem})",
}


def sentence(path: Path, problem: sqlite3.Error) -> str:
    """One sentence for SQLite's error, by its primary result code."""
    code = getattr(problem, "sqlite_errorcode", None)
    code = None if code is None else code & 0xFF
    if code == sqlite3.SQLITE_CANTOPEN and _may_not_be_written(path.parent):
        code = sqlite3.SQLITE_READONLY  # SQLite has no word for a folder in which it may make no file
    template = _SENTENCES.get(code) if code is not None else None
    return (template or "store '{path}' failed: {problem}").format(path=path, problem=problem)


def _may_not_be_written(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return folder.is_dir() and not os.access(folder, os.W_OK, effective_ids=effective)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors and the file system's into a `StoreError`."""
    try:
        yield
    except sqlite3.Error as problem:
        raise StoreError(sentence(path, problem)) from problem
    except OSError as problem:
        raise StoreError(f"store '{path}' cannot be used: {problem.strerror or problem}") from problem
