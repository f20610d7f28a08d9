"""What a resume changes of a stored campaign: its number of rounds and its budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..config import load
from .errors import UsageProblem
from .planning import check_base_url, price_needed

if TYPE_CHECKING:
    from ..record import Settings
    from ..store import Store


@dataclass(frozen=True)
class Changes:
    """What a resume changes of what is stored; nothing that is None."""

    settings: Mapping[str, int | str] = field(default_factory=dict)
    budget: Mapping[str, int | float] = field(default_factory=dict)


def changes(
    rounds: int | None,
    limits: Mapping[str, int | float | None],
    model: str | None = None,
    base_url: str | None = None,
) -> Changes:
    """The options under the configuration's own rules; raises `ConfigError` or `UsageProblem`."""
    asked = {"model": model, "base_url": base_url}
    flags = {f"provider.{key}": value for key, value in asked.items()}
    load(None, [], {"campaign.rounds": rounds, **flags, **{f"budget.{k}": v for k, v in limits.items()}})
    check_base_url(base_url)
    settings = {key: value for key, value in {"rounds": rounds, **asked}.items() if value is not None}
    return Changes(settings, {key: value for key, value in limits.items() if value is not None})


def change(store: Store, name: str, wanted: Changes) -> None:
    """Store what is wanted.

    Raises `CampaignHeld` while another process runs the campaign, and `UsageProblem` for a limit in dollars
    when the campaign knows no price, or for a model when the campaign asks none.
    """
    if wanted == Changes():
        return
    with store.hold(name):
        campaign = store.record(name).campaign
        settings = campaign.settings
        price_needed(wanted.budget.get("max_usd"), settings.usd_per_million)
        _asks_an_api(name, settings, wanted)
        settings = settings.model_copy(update=dict(wanted.settings))
        budget = campaign.budget.model_copy(update=dict(wanted.budget))
        store.save_campaign(campaign.model_copy(update={"budget": budget, "settings": settings}))


def _asks_an_api(name: str, settings: Settings, wanted: Changes) -> None:
    if settings.provider != "openai" and {"model", "base_url"} & set(wanted.settings):
        raise UsageProblem(
            f"campaign {name} asks no API, its replies come from {settings.provider}: begin another one with"
            " --provider openai"
        )
