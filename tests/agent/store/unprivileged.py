"""A user who may not write everywhere, and a folder that such a one can reach."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own is closed to all but its owner."""
    made = Path(tempfile.mkdtemp(prefix="kernelwright-test-"))
    made.chmod(0o777)
    try:
        yield made
    finally:
        made.chmod(0o777)
        shutil.rmtree(made)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everywhere, so read-only means something to somebody else only."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
