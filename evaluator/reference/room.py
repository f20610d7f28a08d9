"""A bound on the memory of a task's own code, which is told what does not fit; the system would kill something."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SHARE = 0.9
"""Of what is free."""
_DRIVER = Path("/dev/nvidiactl")
"""With a card the limit would count what its driver sets aside."""


@contextmanager
def bounded() -> Iterator[None]:
    """Whatever would not fit into the machine's free memory is refused, as if none were left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if _DRIVER.exists() or soft != resource.RLIM_INFINITY:
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (_taken() + int(_SHARE * _free()), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _taken() -> int:
    """Bytes of data that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _free() -> int:
    """Bytes that could be had without swapping, as the system estimates them."""
    found = Path("/proc/meminfo").read_text().partition("MemAvailable:")[2]
    return int(found.split()[0]) * 1024
