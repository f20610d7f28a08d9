"""A stage: what the model may change, which metrics it sees, when it is skipped, what it promises."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class UnknownStage(ValueError):
    """No stage of that name exists."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StageMetric(_Model):
    """One metric that the stage's prompt shows."""

    name: str
    """Nsight Compute's name."""
    wants: str | None = None
    """What good looks like, in words: ``> 60 %``."""


class Condition(_Model):
    """A comparison on the time-weighted mean of one metric over the parent's kernels."""

    metric: str
    op: Literal[">=", "<="]
    value: float


class Stage(_Model):
    """One focus of the campaign."""

    name: str
    title: str
    focus: str
    """One sentence, shown as ``**Focus**``."""
    parameters: list[str] = Field(default_factory=list)
    """Lines under ``**Parameters to Tune**``."""
    guidelines: list[str] = Field(default_factory=list)
    autotune_tip: str | None = None
    metrics: list[StageMetric] = Field(default_factory=list)
    skip_when: list[Condition] = Field(default_factory=list)
    """The stage is skipped when all of these hold on metrics that are present; never on an absent one."""
    promises: list[Literal["grid", "block"]] = Field(default_factory=list)
    """What this stage must leave alone: launch grids, and every tl.constexpr whose name contains BLOCK."""
    knobs: list[str] = Field(default_factory=list)
    """What the tuner may change here: ``num_warps``, ``num_stages``, ``block`` (constexpr sizes), ``grid``."""
    rounds: int = 2
    """Attempts to optimise, repairs not counted."""
    repairs: int = 1
    """Repairs of one failed attempt."""
    plateau: int = 2
    """After so many attempts in a row without a gain the stage ends."""


PLAN: tuple[str, ...] = ("algorithm", "grid_and_parallel", "block_tiling", "memory_access", "advanced_memory")
"""The stages of a campaign with a seed, in order; without one, `first_kernel` comes before."""


@cache
def stages() -> dict[str, Stage]:
    """All stages by name: the plan's first, in its order, then the rest."""
    found = {
        entry.name.removesuffix(".toml"): entry
        for entry in files(__package__).iterdir()
        if entry.name.endswith(".toml")
    }
    order = [*PLAN, *sorted(set(found) - set(PLAN))]
    return {
        name: Stage(name=name, **tomllib.loads(found[name].read_text(encoding="utf-8"))) for name in order
    }


def stage(name: str) -> Stage:
    """The stage called ``name``; raises `UnknownStage` with the known names."""
    try:
        return stages()[name]
    except KeyError:
        raise UnknownStage(f"unknown stage '{name}': choose from {', '.join(stages())}") from None
