"""What a judge shows while a task's own code runs in it: a page of memory that it shares with its client.

A file that ends its process, or that never comes back from a call into C, leaves nobody inside who could say whose
fault that was. Whoever started the judge reads it here.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import NamedTuple

_BYTES = 8192
_HEAD = struct.Struct("=d")


class Note(NamedTuple):
    """A task's code that runs, or that ran last."""

    reference: str
    """Its file."""
    doing: str
    """What of it: ``its import``."""
    since: float
    """Of `time.monotonic`, the same clock in all processes; 0 when it is over."""


class Page:
    """One note in shared memory; it can be read when the process that wrote it is dead."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _BYTES)

    def write(self, note: Note) -> None:
        """Replace the note."""
        text = f"{note.doing}\0{note.reference}".encode(errors="replace")[: _BYTES - _HEAD.size]
        self._memory[:] = (_HEAD.pack(note.since) + text).ljust(_BYTES, b"\0")

    def clear(self) -> None:
        """The code is over; whose it was stays."""
        self._memory[: _HEAD.size] = _HEAD.pack(0.0)

    def read(self) -> Note:
        """The last note; all empty before the first."""
        since = _HEAD.unpack(self._memory[: _HEAD.size])[0]
        doing, reference, *_ = self._memory[_HEAD.size :].decode(errors="replace").split("\0")
        return Note(reference, doing, since)


def blank() -> int:
    """A descriptor for `Page`, of memory that no file system shows; who asks for it closes it."""
    descriptor = os.memfd_create("kernelwright-vigil", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, _BYTES)
    return descriptor
