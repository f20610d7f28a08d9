"""What stages cost and were worth: the rows and their total."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "views"))

from kernelwright.agent.record import AttemptKind
from kernelwright.agent.rules.accounts import BETWEEN, accounts, seed_account, total
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


def test_the_total_is_what_the_campaign_says() -> None:
    record = measured_record()
    assert total(record).attempts == len(record.attempts)
    assert total(record).seconds == pytest.approx(record.campaign.seconds)
    rest = accounts(record)[-1]
    assert (rest.stage, rest.attempts, rest.seconds) == (BETWEEN, 0, pytest.approx(36.0))


def test_time_that_is_not_stored_yet_is_no_account() -> None:
    """While a campaign runs, its attempts may know of more time than it does."""
    record = measured_record()
    record.campaign.seconds = 20.0
    assert BETWEEN not in [row.stage for row in accounts(record)]
    assert total(record).seconds == pytest.approx(25.0)


def test_an_attempt_without_a_proposal_is_one() -> None:
    record = measured_record()
    nothing = {"stage": "algorithm", "round": 2, "decision": decided(False, "no other block to try")}
    record.attempts.append(attempt("meas", 2, 1, AttemptKind.OPTIMISE, **nothing))
    row = accounts(record)[0]
    assert (row.stage, row.attempts, row.no_proposal) == ("algorithm", 2, 1)
    assert (total(record).attempts, total(record).no_proposal) == (3, 1)


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
