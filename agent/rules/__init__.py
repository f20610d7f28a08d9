"""The rules of a campaign, pure over its record: what comes next, what is kept, what is skipped."""

from .accounts import StageAccount, accounts
from .budget import Spent, over_budget, spent
from .deciding import decide
from .first_kernel import rounds_planned
from .lineage import (
    FIRST_KERNEL,
    SET_ASIDE,
    awaits_card,
    baseline,
    best,
    eager_ms,
    failed,
    has_estimates_to_decide,
    is_twin_of,
    plan,
    to_measure,
)
from .promises import broken_promises
from .skipping import PREDICTED_OFFLINE, skip_reason, time_weighted
from .steps import Advance, Begin, EndCampaign, EndStage, Field, Pause, Step, first_empty, next_step, way_on

__all__ = [
    "FIRST_KERNEL",
    "PREDICTED_OFFLINE",
    "SET_ASIDE",
    "Advance",
    "Begin",
    "EndCampaign",
    "EndStage",
    "Field",
    "Pause",
    "Spent",
    "StageAccount",
    "Step",
    "accounts",
    "awaits_card",
    "baseline",
    "best",
    "broken_promises",
    "decide",
    "eager_ms",
    "failed",
    "first_empty",
    "has_estimates_to_decide",
    "is_twin_of",
    "next_step",
    "over_budget",
    "plan",
    "rounds_planned",
    "skip_reason",
    "spent",
    "time_weighted",
    "to_measure",
    "way_on",
]
