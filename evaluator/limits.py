"""What the kernel itself holds a confined process to, imposed between fork and exec and never to be shed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import struct
from pathlib import Path

FILE_SIZE = 1 << 30
"""Bytes. An orphan is also known by this limit, since no process can raise it again."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_DUMPABLE, _SUBREAPER, _NO_NEW_PRIVILEGES = 4, 36, 38  # prctl's PR_SET_…
_CAPABILITIES_VERSION = 0x20080522
_READ_ANYTHING, _OPEN_ANYTHING = 1 << 2, 1 << 1  # CAP_DAC_READ_SEARCH and CAP_DAC_OVERRIDE


def impose(most_threads: int, drop: bool) -> None:
    """In the child: limits on core dumps, file size and processes; the first to go when memory runs out.

    No address-space limit: CUDA reserves large ranges. ``drop`` takes capabilities away; bubblewrap, which
    does that itself, still needs them.
    """
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_NPROC, most_threads),
    ):
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    if drop:
        _drop_capabilities()


def _drop_capabilities() -> None:
    """Also root's: without them it neither traces other processes nor reads their environment.

    Reading files stays: root may have come to this installation by nothing else.
    """
    _LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    held = ctypes.create_string_buffer(24)
    _LIBC.capget(header, held)
    permitted = struct.unpack("=6I", held.raw)[1]
    kept = permitted & _READ_ANYTHING or permitted & _OPEN_ANYTHING
    _LIBC.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0))


def adopt_orphans() -> None:
    """From now on processes below this one that lose their parent become its children."""
    _LIBC.prctl(_SUBREAPER, 1, 0, 0, 0)


def protect_memory(protected: bool) -> None:
    """Whether other processes of this user are kept from tracing this one and from opening its memory."""
    _LIBC.prctl(_DUMPABLE, 0 if protected else 1, 0, 0, 0)


def imposed_on(pid: int) -> bool:
    """Whether that process lives under these limits; False where this process itself does."""
    mine = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    if mine != resource.RLIM_INFINITY and mine <= FILE_SIZE:
        return False
    try:
        text = Path(f"/proc/{pid}/limits").read_text()
    except OSError:
        return False
    found = re.search(r"^Max file size +\S+ +(\d+)", text, re.MULTILINE)
    return found is not None and int(found[1]) <= FILE_SIZE and os.getpid() != pid
