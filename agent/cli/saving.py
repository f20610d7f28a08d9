"""Files that a command leaves behind: whole or not at all, and never over something else by accident."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from .errors import UsageProblem


def may_write(path: Path, force: bool, store: Path) -> None:
    """Raise `UsageProblem` for what must not be overwritten, before any work is done."""
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise UsageProblem(f"'{path}' cannot be written, since it is a directory: name a file in it")
    if path.is_symlink() or not path.is_file():
        raise UsageProblem(f"'{path}' cannot be written, since it is no plain file: name another one")
    if store.exists() and path.samefile(store):
        raise UsageProblem(f"'{path}' is the store itself: name another file")
    if not force:
        raise UsageProblem(f"'{path}' exists: add --force to overwrite it, or name another file")


def write_whole(path: Path, data: bytes) -> None:
    """The whole file or none: on a full disk, or when we are killed, the one that was there stays."""
    # Beside it, under a name that nobody could have laid a link at.
    spare = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        try:
            with spare.open("xb") as file:
                file.write(data)
            spare.replace(path)
        finally:
            spare.unlink(missing_ok=True)
    except OSError as problem:
        raise UsageProblem(f"'{path}' cannot be written: {problem.strerror}") from None
