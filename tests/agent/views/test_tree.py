"""The lineage on the terminal: who stands below whom, whose kernel was shown, and that nothing is cut off."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.record import AttemptKind, ExtractionFailure, Failure, Record
from kernelwright.agent.views.lineage import families
from kernelwright.agent.views.tree import tree
from rich.cells import cell_len
from rich.console import Console
from sample_campaigns import asked, attempt, decided, measured_record, offline_record

WIDTHS = [60, 70, 80, 100, 120, 130, 150, 200]


def shown(record: Record, width: int = 160) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, markup=False, color_system=None).print(tree(record))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def mended(*mends: int | None) -> Record:
    """Failed attempts of one stage, each mending the one of that number, or none."""
    record = offline_record()
    attempts = [
        attempt(
            "offl",
            number,
            0,
            AttemptKind.REPAIR if of is not None else AttemptKind.OPTIMISE,
            stage="algorithm",
            round=1,
            mends=None if of is None else f"offl.{of}",
            **asked("x"),
            failure=Failure(kind=ExtractionFailure.NO_CODE, reason="no code"),
            decision=decided(False, "no code"),
        )
        for number, of in enumerate(mends, 1)
    ]
    return record.model_copy(update={"attempts": [record.attempts[0], *attempts]})


@given(st.lists(st.integers(0, 9), max_size=10))
def test_every_attempt_stands_once_and_below_what_it_mends(choices: list[int]) -> None:
    mends = [choice if 0 < choice <= number else None for number, choice in enumerate(choices)]
    attempts = mended(*mends).attempts
    found = families(attempts)
    assert sorted(item.id for item, _ in found) == sorted(item.id for item in attempts)
    depth = {item.id: len(guide) // 3 for item, guide in found}
    order = [item.id for item, _ in found]
    for item in attempts:
        if item.mends:
            assert depth[item.id] == depth[item.mends] + 1
            above = order[order.index(item.mends) + 1 : order.index(item.id)]
            assert all(depth[other] > depth[item.mends] for other in above)
        else:
            assert depth[item.id] == 0


@given(st.lists(st.none() | st.integers(0, 9), max_size=10))
def test_even_a_foreign_record_loses_none(mends: list[int | None]) -> None:
    attempts = mended(*mends).attempts
    assert sorted(item.id for item, _ in families(attempts)) == sorted(item.id for item in attempts)


def test_a_campaign_that_has_not_begun_has_a_tree() -> None:
    record = offline_record()
    empty = record.model_copy(update={"attempts": []})
    assert any(line.startswith("total") for line in shown(empty))


def test_repairs_are_drawn_as_a_tree() -> None:
    ids = [line[3:15].rstrip() for line in shown(mended(None, 1, 2, 1, None)) if re.match(r"[·●]  \S", line)]
    assert ids == ["offl.0", "offl.1", "├─ offl.2", "│  └─ offl.3", "└─ offl.4", "offl.5"]


def test_a_repair_of_another_stage_stands_by_itself() -> None:
    attempts = mended(None, 1).attempts
    assert families(attempts[2:]) == [(attempts[2], "")]


def test_a_parent_is_named_where_it_is_not_the_one_above() -> None:
    lines = {line.split()[1]: line for line in shown(mended(None, None)) if line.startswith("·")}
    assert "←" not in lines["offl.1"]
    assert "← offl.0" in lines["offl.2"]


def test_samples_are_counted() -> None:
    record = mended(None, None)
    record.attempts[2].sample = 1
    assert any("round 1 sample 2 ←" in line for line in shown(record))


def test_a_gain_is_not_said_twice() -> None:
    record = measured_record()
    decision = decided(False, "12.170× over meas.0 (95 % interval 11.926 to 12.413): less robust")
    record.attempts[1].decision = decision
    line = next(line for line in shown(record) if "meas.1" in line)
    assert line.endswith("12.2× [11.9, 12.4] over meas.0  not kept: less robust")


def test_near_1_a_gain_says_on_which_side_it_lies() -> None:
    record = measured_record()
    found = record.attempts[1].evaluation
    assert found is not None and found.timing is not None
    found.timing.speedup, found.timing.speedup_ci95 = 0.9974, (0.9962, 0.9991)
    assert any("0.997× [0.996, 0.999] over meas.0" in line for line in shown(record))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", [offline_record, measured_record])
def test_nothing_is_cut_off_at_any_width(make: object, width: int) -> None:
    record = make()  # type: ignore[operator]
    record.campaign.settings.usd_per_million = (2.0, 10.0)
    lines = shown(record, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "…" not in "\n".join(lines)
    text = " ".join(" ".join(lines).split())
    for item in record.attempts:
        assert item.decision is not None
        reason = item.decision.reason.partition("interval")[0].partition("\x1b")[0]
        assert item.id in text
        assert reason.strip() in text or "× over" in reason


def test_a_find_that_no_stage_had_a_proposal_for_is_counted_in_a_column() -> None:
    record = measured_record()
    assert "no proposal" not in "\n".join(shown(record))
    nothing = {"stage": "grid_and_parallel", "round": 1, "decision": decided(False, "no other grid to try")}
    record.attempts.append(attempt("meas", 2, 1, AttemptKind.OPTIMISE, **nothing))
    total = next(line for line in shown(record) if line.startswith("total"))
    assert total.split()[1:4] == ["3", "1", "2"]
    narrow = " ".join(shown(record, 50))
    assert "total: 3 attempts, 1 without a proposal, 2 kept, gain 12.2×, 5500 tokens, 1 min 01 s" in narrow


def test_an_estimated_gain_is_explained() -> None:
    assert any(line.startswith("est. ÷:") for line in shown(offline_record()))
    assert not any(line.startswith("est. ÷:") for line in shown(measured_record()))


def test_a_card_that_is_not_the_target_is_named() -> None:
    record = measured_record()
    assert "measured on" not in shown(record)[0]
    record.campaign.settings.target = "rtx-4090"
    assert shown(record)[0] == "meas  layer_norm for the rtx-4090, measured on NVIDIA H200, tuner, paused"


def test_the_table_leaves_out_what_is_not_known() -> None:
    record = offline_record()
    assert "USD" not in "\n".join(shown(record))
    record.campaign.settings.usd_per_million = (2.0, 10.0)
    lines = shown(record)
    assert next(line for line in lines if line.startswith("total")).split()[5:8] == [
        "6.39",
        "22,000",
        "0.0920",
    ]
    for item in record.attempts:
        item.reply = None
    assert "tokens" not in "\n".join(shown(record))


def test_a_time_that_does_not_fit_stands_whole_below() -> None:
    lines = shown(offline_record(), 60)
    assert any(line.strip().startswith("3.90 ms est. (3.12–5.07) · kept provisionally") for line in lines)
    assert not any(line.startswith("(") or "— ·" in line for line in lines)
