"""Two small things that both judges share: the clock of a phase and the name of a source."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .protocol import Progress


@contextmanager
def phase(name: str, seconds: dict[str, float], tell: Progress) -> Iterator[None]:
    """Say that a phase begins, and add its wall-clock seconds to ``seconds``."""
    tell(name)
    began = time.monotonic()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.monotonic() - began


def sha256_of(source: str) -> str:
    """SHA-256 of a source's UTF-8 bytes, in hex."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
