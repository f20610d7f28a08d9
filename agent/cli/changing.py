"""What a resume changes of a stored campaign: its number of rounds and its budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..config import load
from .planning import price_needed

if TYPE_CHECKING:
    from ..store import Store


@dataclass(frozen=True)
class Changes:
    """What a resume changes of what is stored; nothing that is None."""

    rounds: int | None = None
    budget: Mapping[str, int | float] = field(default_factory=dict)


def changes(rounds: int | None, limits: Mapping[str, int | float | None]) -> Changes:
    """The options under the configuration's own rules; raises `ConfigError`."""
    load(None, [], {"campaign.rounds": rounds, **{f"budget.{key}": value for key, value in limits.items()}})
    return Changes(rounds, {key: value for key, value in limits.items() if value is not None})


def change(store: Store, name: str, wanted: Changes) -> None:
    """Store what is wanted.

    Raises `CampaignHeld` while another process runs the campaign, and `UsageProblem` for a limit in dollars
    when the campaign knows no price.
    """
    if wanted == Changes():
        return
    with store.hold(name):
        campaign = store.record(name).campaign
        settings = campaign.settings
        price_needed(wanted.budget.get("max_usd"), settings.usd_per_million)
        if wanted.rounds is not None:
            settings = settings.model_copy(update={"rounds": wanted.rounds})
        budget = campaign.budget.model_copy(update=dict(wanted.budget))
        store.save_campaign(campaign.model_copy(update={"budget": budget, "settings": settings}))
