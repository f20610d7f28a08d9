"""A stage: what the model may change, which metrics it sees, when it is skipped, what it promises."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator


class UnknownStage(ValueError):
    """No stage of that name exists."""


class StageError(ValueError):
    """A stage file is not a description of a stage; the message says what is wrong with it."""


MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+__[a-z0-9_]+(\.[a-z0-9_]+)*$")]
"""Nsight Compute's form: unit, two underscores, quantity, and mostly a rollup after a dot."""

Promise = Literal["grid", "block"]
Knob = Literal["num_warps", "num_stages", "block", "grid"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StageMetric(_Model):
    """One metric that the stage's prompt shows."""

    name: MetricName
    """Nsight Compute's name."""
    wants: str | None = None
    """What good looks like, in words: ``> 60 %``."""


class Condition(_Model):
    """A comparison on the time-weighted mean of one metric over the parent's kernels."""

    metric: MetricName
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
    """In the order in which the prompt shows them; those with `wants` are named in the stage's section."""
    skip_when: list[Condition] = Field(default_factory=list)
    """The stage is skipped when all of these hold on metrics that are present; never on an absent one."""
    promises: list[Promise] = Field(default_factory=list)
    """What this stage must leave alone: launch grids, and every tl.constexpr whose name contains BLOCK."""
    knobs: list[Knob] = Field(default_factory=list)
    """What the tuner may change here: ``num_warps``, ``num_stages``, ``block`` (constexpr sizes), ``grid``
    (constants that divide the work: names with SPLIT or PROGRAMS)."""
    rounds: int = Field(default=2, ge=1)
    """Attempts to optimise, repairs not counted."""
    repairs: int = Field(default=1, ge=0)
    """Repairs of one failed attempt."""
    plateau: int = Field(default=2, ge=1)
    """After so many attempts in a row without a gain the stage ends."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [metric.name for metric in self.metrics]
        if len(names) != len(set(names)):
            raise ValueError("a metric is listed twice")
        kept = set(self.promises) & set(self.knobs)
        if kept:
            raise ValueError(f"'{kept.pop()}' is both promised and a knob")
        return self


PLAN: tuple[str, ...] = ("algorithm", "grid_and_parallel", "block_tiling", "memory_access", "advanced_memory")
"""The stages of a campaign with a seed, in order; without one, `first_kernel` comes before."""


def parse_stage(name: str, text: str) -> Stage:
    """A stage from the text of its file; raises `StageError` with the first thing that is wrong."""
    try:
        return Stage(**{**tomllib.loads(text), "name": name})
    except tomllib.TOMLDecodeError as problem:
        raise StageError(f"stage '{name}' is not valid TOML: {problem}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise StageError(f"stage '{name}' has a bad {place}: {first['msg']}") from None


@cache
def stages() -> dict[str, Stage]:
    """All stages by name: the plan's first, in its order, then the rest."""
    found = {
        entry.name.removesuffix(".toml"): entry
        for entry in files(__package__).iterdir()
        if entry.name.endswith(".toml")
    }
    order = [*PLAN, *sorted(set(found) - set(PLAN))]
    return {name: parse_stage(name, found[name].read_text(encoding="utf-8")) for name in order}


def stage(name: str) -> Stage:
    """The stage called ``name``; raises `UnknownStage` with the known names."""
    try:
        return stages()[name]
    except KeyError:
        raise UnknownStage(f"unknown stage '{name}': choose from {', '.join(stages())}") from None
