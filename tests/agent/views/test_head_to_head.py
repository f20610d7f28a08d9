"""The final head to head: said wherever the best is named, and only of the kernels that were in it."""

from __future__ import annotations

import io

import pytest
from kernelwright.agent.record import CampaignStatus, Record
from kernelwright.agent.views.attempt import attempt_page
from kernelwright.agent.views.campaigns import campaigns
from kernelwright.agent.views.head_to_head import final
from kernelwright.agent.views.product import header
from kernelwright.agent.views.summary import best_line
from kernelwright.agent.views.tree import tree
from kernelwright.evaluator.protocol import Standing
from rich.console import Console, RenderableType
from sample_campaigns import measured_record, offline_record

GAIN = "26.6× [26.4, 26.8] over eager"


def finished() -> Record:
    record = measured_record()
    best = Standing(name="best", median_ms=0.317, speedup=26.6, speedup_ci95=(26.4, 26.8), rounds=6)
    standings = [*record.campaign.standings[:-1], best]
    changes = {"status": CampaignStatus.FINISHED, "pause_reason": None, "standings": standings}
    return record.model_copy(update={"campaign": record.campaign.model_copy(update=changes)})


def shown(view: RenderableType) -> str:
    file = io.StringIO()
    Console(file=file, width=200, highlight=False, markup=False, color_system=None).print(view)
    return file.getvalue()


def test_the_best_is_named_with_its_gain_over_eager() -> None:
    record = finished()
    assert best_line(record).plain == f"best kernel: meas.1, 0.317 ms, {GAIN}, head to head"
    assert f"0.317 ms, {GAIN}" in shown(campaigns([record]))
    assert f"0.317 ms, {GAIN}" in shown(attempt_page(record.attempts[1], record))
    said = " ".join(header(record, record.attempts[1]))
    assert "eager: 8.43 ms; compile: 0.320 ms, 26.3×" in said and f"best meas.1: 0.317 ms, {GAIN}." in said


def test_the_tree_ends_with_it() -> None:
    lines = [" ".join(line.split()) for line in shown(tree(finished())).splitlines()]
    assert lines[-5:] == [
        "head to head time speedup, 95 % interval",
        "eager 8.43 ms",
        "compile 0.320 ms 26.3× [26.1, 26.6] over eager",
        "seed meas.0 3.87 ms 2.18× [2.16, 2.20] over eager",
        f"best meas.1 0.317 ms {GAIN}",
    ]


def test_a_campaign_that_goes_on_has_none_yet() -> None:
    """What an earlier end measured may be of another best."""
    record = finished()
    record.campaign.status = CampaignStatus.RUNNING
    assert final(record, record.best) is None
    assert best_line(record).plain.endswith("0.318 ms, 12.2× [11.9, 12.4] over meas.0")
    assert "head to head" not in shown(tree(record)).replace("the final head to head", "")


def test_a_seed_that_stayed_the_best_is_called_once() -> None:
    record = finished()
    del record.attempts[1], record.campaign.standings[2]
    assert "best meas.0  " in shown(tree(record))


@pytest.mark.parametrize("make", [offline_record, finished])
def test_other_attempts_have_no_place_in_it(make: object) -> None:
    record = make()  # type: ignore[operator]
    other = record.attempts[-1].model_copy(update={"id": "other.7"})
    assert final(record, other) is None and final(record, None) is None
