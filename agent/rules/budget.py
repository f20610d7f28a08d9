"""What a campaign has used up, and whether that is all it may."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from ..record import Budget, Record, Reply


class Spent(BaseModel):
    """What a campaign has used up over all its resumes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tokens: int
    minutes: float
    usd: float | None
    """None when the price of a token is not known."""


def spent(record: Record) -> Spent:
    """Tokens as the providers counted them, wall-clock minutes, and US dollars by the campaign's price."""
    replies = (attempt.reply for attempt in record.attempts if attempt.reply)
    dollars = usd(replies, record.campaign.settings.usd_per_million)
    return Spent(tokens=record.tokens, minutes=record.campaign.seconds / 60, usd=dollars)


def over_budget(record: Record, budget: Budget) -> str | None:
    """Which limit is reached, in one sentence; None when there is some left of everything.

    A limit in dollars without a price of tokens counts as reached by the first token, since nobody could
    say when it is.
    """
    if budget == Budget():
        return None  # without adding up all replies, which a long record's every step would do
    used = spent(record)
    if budget.max_tokens is not None and used.tokens >= budget.max_tokens:
        return f"the budget of {budget.max_tokens} tokens is used up ({used.tokens}): raise --max-tokens"
    if budget.max_minutes is not None and used.minutes >= budget.max_minutes:
        return f"the budget of {budget.max_minutes:g} minutes is used up: raise --max-minutes"
    if budget.max_usd is None:
        return None
    if used.usd is None and used.tokens:
        return "the budget is in dollars and the price of a token is not known: set usd_per_million"
    if used.usd is not None and used.usd >= budget.max_usd:
        return f"the budget of {budget.max_usd:g} USD is used up ({used.usd:.2f}): raise --max-usd"
    return None


def limit_reached(record: Record) -> str | None:
    """The option that raises the limit which the campaign has reached; None when none is reached."""
    budget = record.campaign.budget
    limits = {
        "--max-tokens": Budget(max_tokens=budget.max_tokens),
        "--max-minutes": Budget(max_minutes=budget.max_minutes),
        "--max-usd": Budget(max_usd=budget.max_usd),
    }
    return next((option for option, alone in limits.items() if over_budget(record, alone)), None)


def usd(replies: Iterable[Reply], price: tuple[float, float] | None) -> float | None:
    """What the replies cost at that price of a million prompt and completion tokens; None without one."""
    if price is None:
        return None
    usages = [reply.usage for reply in replies]
    asked = sum(usage.prompt_tokens or 0 for usage in usages)
    answered = sum(usage.completion_tokens or 0 for usage in usages)
    return (asked * price[0] + answered * price[1]) / 1e6
