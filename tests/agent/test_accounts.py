"""What stages cost and were worth: the rows and their total."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "views"))

from kernelwright.agent.record import AttemptKind
from kernelwright.agent.rules.accounts import accounts, seed_account, total
from sample_campaigns import (
    FASTER,
    SEED,
    asked,
    attempt,
    decided,
    measured,
    measured_record,
    offline_record,
    sha,
)

PRICE = (2.0, 10.0)


@pytest.mark.parametrize("make", [offline_record, measured_record])
def test_the_total_is_the_sum_of_its_rows(make: object) -> None:
    record = make()  # type: ignore[operator]
    record.campaign.settings.usd_per_million = PRICE
    first = seed_account(record)
    assert first is not None
    rows, everything = [first, *accounts(record)], total(record)
    for name in ("attempts", "kept", "tokens"):
        assert sum(getattr(row, name) for row in rows) == getattr(everything, name)
    assert sum(row.seconds for row in rows) == pytest.approx(everything.seconds)
    assert sum(row.usd or 0 for row in rows) == pytest.approx(everything.usd)


def test_money_is_the_tokens_at_their_price_and_unknown_without_one() -> None:
    record = offline_record()
    assert all(row.usd is None for row in [*accounts(record), total(record)])
    record.campaign.settings.usd_per_million = PRICE
    row = accounts(record)[0]
    assert row.usd == pytest.approx((4000 * 2 + 1500 * 10) / 1e6)


def test_a_measured_gain_is_not_multiplied_with_an_estimated_one() -> None:
    record = offline_record()
    assert total(record).provisional
    assert total(record).gain == pytest.approx(3.9 / 0.61)
    found = attempt(
        "offl", 5, 1, AttemptKind.REMEASURE, stage="algorithm", kernel_sha=sha(SEED),
        evaluation=measured(SEED, 3.87, "eager", 8.0), decision=decided(True, "the first"),
    )  # fmt: skip
    faster = attempt(
        "offl", 6, 1, AttemptKind.REMEASURE, stage="algorithm", kernel_sha=sha(FASTER), **asked("x"),
        evaluation=measured(FASTER, 0.387, sha(SEED), 3.87), decision=decided(True, "faster"),
    )  # fmt: skip
    record.attempts += [found, faster]
    assert total(record).gain == pytest.approx(10)
    assert not total(record).provisional


def test_a_campaign_without_a_seed_has_no_account_of_it() -> None:
    record = offline_record()
    del record.attempts[0]
    assert seed_account(record) is None
