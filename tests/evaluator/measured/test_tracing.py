"""What is taken of a trace that began before the call."""

import pytest
from kernelwright.evaluator.measured.tracing import behind_first_copy


def event(name: str, at: float, kind: str = "kernel") -> dict[str, object]:
    return {"name": name, "ts": at, "dur": 1.0, "cat": kind}


PREPARED = [event("fill", 1.0), event("clear", 2.0, "gpu_memset"), event("Memcpy DtoH", 3.0, "gpu_memcpy")]


def test_what_came_before_the_first_copy_is_left_out():
    found = behind_first_copy([*PREPARED, event("mine", 4.0)])
    assert [one["name"] for one in found] == ["mine"]


def test_copies_of_the_call_itself_stay():
    found = behind_first_copy([*PREPARED, event("Memcpy DtoD", 4.0, "gpu_memcpy"), event("mine", 5.0)])
    assert [one["name"] for one in found] == ["Memcpy DtoD", "mine"]


def test_events_are_taken_by_their_time_and_not_by_their_place():
    found = behind_first_copy([event("second", 9.0), event("first", 5.0), *PREPARED[::-1]])
    assert [one["name"] for one in found] == ["first", "second"]


@pytest.mark.parametrize("events", [[], PREPARED[:2]], ids=["nothing", "no copy"])
def test_without_the_copy_nothing_is_known(events: list[dict[str, object]]):
    assert behind_first_copy(events) == []
