"""What the file says of a row that is out of date."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from kernelwright.agent.suite.rows import Kernel, Place, Planned, Row, Suite
from kernelwright.agent.suite.running import blank
from kernelwright.agent.suite.staleness import marked, settles

PLACE = Place(device="NVIDIA H200", target="h200", driver="580.1", torch="2.13.0", triton="3.7.1")
SEED, BEST = Kernel("a", "sha of a", "seed.py", "task"), Kernel("b", "sha of b", "ab.1", "x.db")
PLAN = Planned("one", "one", "ref", "toml", SEED, BEST, "none measured in x.db")


def row(**changes: Any) -> Row:
    return blank(PLAN, PLACE).model_copy(update=changes)


def stale(plan: Planned = PLAN, place: Place = PLACE, was: Row | None = None) -> str | None:
    (found,) = marked(Suite(tasks=[was or row()]), [plan], place).tasks
    return found.stale


@pytest.mark.parametrize(
    ("plan", "place", "said"),
    [
        ({}, {}, None),
        ({"description": "other"}, {}, "its task.toml has changed"),
        ({"reference": "other"}, {}, "its reference has changed"),
        ({"seed": None}, {}, "its seed has changed"),
        ({"best": replace(BEST, sha="c", origin="cd.2")}, {}, "another kernel is the best known, cd.2 of x.db"),
        ({"best": None}, {}, "no best kernel is known any more (none measured in x.db)"),
        ({}, {"torch": "2.14.0", "driver": "581"}, "driver 580.1, now 581; torch 2.13.0, now 2.14.0"),
        ({"task": "two", "description": "other"}, {}, None),
        ({"description": "other"}, {"device": "NVIDIA L4"}, None),
        ({"description": "other"}, {"target": "l4"}, None),
    ],
    ids=[
        "nothing", "task.toml", "reference", "seed", "best", "no best", "versions", "another task",
        "another card", "another target",
    ],
)  # fmt: skip
def test_a_row_says_what_has_changed(plan: dict[str, Any], place: dict[str, str], said: str | None) -> None:
    now, here = replace(PLAN, **plan), PLACE.model_copy(update=place)
    assert stale(now, here) == said
    assert not (said and settles(row(), now, here))


def test_a_first_best_kernel_is_not_called_another_one() -> None:
    was = blank(replace(PLAN, best=None), PLACE)
    assert stale(was=was) == "a best kernel is known now, ab.1 of x.db"


def test_a_row_that_fits_again_is_not_out_of_date_any_more() -> None:
    assert stale(was=row(stale="its seed has changed")) is None


def test_a_row_of_an_earlier_version_is_run_again_since_it_does_not_tell() -> None:
    assert stale(was=row(description=None)) == "the row does not say by which task.toml it was made"
    assert not settles(row(description=None), PLAN, PLACE)


def test_a_failure_is_not_out_of_date() -> None:
    failed = row(failure="no memory")
    assert marked(Suite(tasks=[failed]), [replace(PLAN, seed=None)], PLACE).tasks == [failed]


def test_a_row_out_of_date_that_cannot_be_made_anew_stays_and_says_so() -> None:
    old, failed = row(stale="its seed has changed"), row(failure="no memory")
    (kept,) = Suite(tasks=[old]).merged(failed).tasks
    assert kept.failure is None and kept.stale == "its seed has changed; run again, it failed: no memory"
    fresh = row()
    assert Suite(tasks=[fresh]).merged(failed).tasks == [fresh]
