"""How a campaign stops before its end: every way is one sentence with the command that goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from .errors import Interrupted, with_hint


@contextmanager
def stops_named(hint: Callable[[], str], at_stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop alike; every stop's sentence ends with the command that goes on."""
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield
    except KeyboardInterrupt:
        at_stop()
        raise Interrupted(f"interrupted, everything up to here is stored: {hint()}") from None
    except Exception as problem:
        named = with_hint(problem, hint())
        if named is not problem:
            at_stop()
        raise named from problem.__cause__
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
