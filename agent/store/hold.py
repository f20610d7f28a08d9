"""One process per campaign: a lock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import CampaignHeld, translated

_descriptors: set[int] = set()


def _let_go_in_child() -> None:
    # A lock belongs to an open file, which a fork shares: a child that outlives us would hold it on.
    for descriptor in _descriptors:
        os.close(descriptor)
    _descriptors.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def held(store: Path, name: str, what: str) -> Iterator[None]:
    """Hold that name of the store at that path; raises `CampaignHeld` with who holds `what`."""
    path = _lock(store, name)
    with translated(store):
        descriptor = _locked(path, what)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    _descriptors.add(descriptor)
    try:
        yield
    finally:
        _release(path, descriptor)


def is_held(store: Path, campaign: str) -> bool:
    """Whether a live process runs a campaign of the store at that path."""
    try:
        descriptor = os.open(_lock(store, campaign), os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # nobody can tell here: what the campaign says of itself stands
    try:
        # Shared, so that two who look do not see each other; let go again at once.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(store: Path, name: str) -> Path:
    return store.with_name(f"{store.name}.{name}.lock")


def _release(path: Path, descriptor: int) -> None:
    if descriptor in _descriptors:  # not so in a child
        path.unlink(missing_ok=True)
        _descriptors.remove(descriptor)
        os.close(descriptor)


def _locked(path: Path, what: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
            os.close(descriptor)
            raise CampaignHeld(f"{what} is held by {holder}: wait for it, or end it") from None
        if _still_there(path, descriptor):
            return descriptor
        # The holder before us removed the file between our open and our lock: take the new one.
        os.close(descriptor)


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
