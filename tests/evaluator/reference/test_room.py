"""A task's code is refused memory that the machine does not have."""

import mmap
import os
import resource

import pytest
from kernelwright.evaluator.reference import room

MOST = int(0.6 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def ask():
    """Twice most of the memory, none of which is touched; each half alone is granted by any system."""
    halves = [mmap.mmap(-1, MOST, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(2)]
    for half in halves:
        half.close()


@pytest.mark.skipif(room._DRIVER.exists(), reason="with a card there is no bound")
def test_more_than_is_free_is_refused_and_afterwards_nothing_has_changed():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with room.bounded(), pytest.raises(OSError, match="memory"):
        ask()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.skipif(room._DRIVER.exists(), reason="with a card there is no bound")
def test_what_fits_is_granted():
    with room.bounded():
        mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def test_what_has_less_already_keeps_that(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 40, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: pytest.fail("changed"))
    with room.bounded():
        pass
