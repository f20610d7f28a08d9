"""Rows: which of them make another run needless, which replace one another, and the figures over them."""

from __future__ import annotations

from typing import Any

import pytest
from kernelwright.agent.suite.figures import figures
from kernelwright.agent.suite.rows import Entry, Kernel, Place, Planned, Row, Suite, by_place
from kernelwright.agent.suite.running import blank
from kernelwright.agent.suite.staleness import settles

PLACE = Place(device="NVIDIA H200", target="h200", driver="580.1", torch="2.13.0", triton="3.7.1")
SEED, BEST = Kernel("a", "sha of a", "seed.py", "task"), Kernel("b", "sha of b", "ab.1", "x.db")


def planned(**changes: Any) -> Planned:
    values: dict[str, Any] = {
        "reference": "ref",
        "description": "toml",
        "seed": SEED,
        "best": BEST,
        "no_best": "",
        **changes,
    }
    return Planned(task="one", name="one", **values)


@pytest.mark.parametrize(
    ("plan", "place", "settled"),
    [
        ({}, {}, True),
        ({"reference": "other"}, {}, False),
        ({"description": "other"}, {}, False),
        ({"seed": None}, {}, False),
        ({"best": SEED}, {}, False),
        ({"best": None}, {}, False),
        ({}, {"device": "NVIDIA L4"}, False),
        ({}, {"driver": "581.0"}, False),
        ({}, {"torch": "2.14.0"}, False),
        ({}, {"triton": "3.8.0"}, False),
        ({}, {"target": "l4"}, False),
    ],
    ids=[
        "same", "reference", "task.toml", "no seed", "other best", "no best", "card", "driver", "torch", "triton",
        "target",
    ],
)  # fmt: skip
def test_only_the_same_makes_a_run_needless(
    plan: dict[str, Any], place: dict[str, str], settled: bool
) -> None:
    row = blank(planned(), PLACE)
    assert settles(row, planned(**plan), PLACE.model_copy(update=place)) is settled


def test_a_failure_is_run_again() -> None:
    row = blank(planned(), PLACE).model_copy(update={"failure": "no memory"})
    assert not settles(row, planned(), PLACE)


def test_a_row_replaces_the_one_of_its_card_and_no_other() -> None:
    old, new = blank(planned(), PLACE), blank(planned(), PLACE.model_copy(update={"torch": "2.14.0"}))
    elsewhere = blank(planned(), PLACE.model_copy(update={"device": "offline", "driver": None}))
    suite = Suite().merged(old).merged(elsewhere).merged(new)
    assert suite.tasks == [new, elsewhere]
    assert [len(rows) for rows in by_place([old, new, elsewhere]).values()] == [1, 1, 1]
    assert Suite.model_validate_json(suite.model_dump_json(by_alias=True)) == suite


def test_a_failure_takes_the_place_of_a_failure_alone() -> None:
    good = blank(planned(), PLACE)
    bad, worse = (good.model_copy(update={"failure": why}) for why in ("no memory", "card lost"))
    assert Suite().merged(bad).merged(worse).tasks == [worse]
    assert Suite().merged(bad).merged(good).merged(worse).tasks == [good]


def timed(best: float | None, compiled: float | None) -> Row:
    """A task in which eager takes 8 ms."""
    row = blank(planned(), PLACE)
    for name, ms in (("best", best), ("compile", compiled)):
        entry: Entry = row.entry(name)  # type: ignore[arg-type]
        entry.median_ms, entry.speedup = ms, 8.0 / ms if ms else None
    return row


def test_figures_count_only_tasks_that_have_both_times() -> None:
    found = figures(PLACE, [timed(1.0, 2.0), timed(2.0, 1.0), timed(4.0, None), timed(None, 1.0)])
    assert found.over_eager and found.over_compile
    assert (found.over_eager.tasks, found.over_eager.median) == (3, 4.0)
    assert found.over_eager.geometric_mean == pytest.approx(4.0)
    assert (found.over_compile.tasks, found.over_compile.median) == (2, 1.25)
    assert found.over_compile.geometric_mean == pytest.approx(1.0)
    assert found.faster_than_compile == 1
    assert figures(PLACE, [timed(None, 1.0)]).over_eager is None
