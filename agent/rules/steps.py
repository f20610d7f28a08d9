"""What comes next in a campaign, from what is stored alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from kernelwright.stages import Stage

from ..record import Attempt, AttemptKind, Budget, Record, StageEnd
from .budget import over_budget
from .first_kernel import rounds_allowed, way_on_from, why_none
from .lineage import (
    FIRST_KERNEL,
    SET_ASIDE,
    baseline,
    best,
    failed,
    has_estimates_to_decide,
    plan,
    to_measure,
)
from .skipping import skip_reason


class Field(Enum):
    """What an attempt is waiting for, in the order in which an attempt is filled."""

    BRIEF = auto()
    PROMPT = auto()
    REPLY = auto()
    KERNEL = auto()
    EVALUATION = auto()
    DECISION = auto()


@dataclass(frozen=True)
class Begin:
    """Store a new attempt."""

    kind: AttemptKind
    stage: str | None
    parent: str | None
    round: int = 0
    sample: int = 0
    mends: str | None = None
    kernel_sha: str | None = None
    """Of a kernel that is there already: the seed's, or an offline find's."""


@dataclass(frozen=True)
class Advance:
    """Fill one field of the attempt under way."""

    attempt: str
    field: Field


@dataclass(frozen=True)
class EndStage:
    """Store that a stage is over."""

    end: StageEnd


@dataclass(frozen=True)
class EndCampaign:
    """Nothing is left to do."""

    reason: str


@dataclass(frozen=True)
class Pause:
    """The budget is used up, or no first kernel passed in all the rounds that there are."""

    reason: str
    option: str | None = None
    """What a resume must be given to get beyond it; None for a budget, whose limits are looked at one by one."""


Step = Begin | Advance | EndStage | EndCampaign | Pause

_GIVEN = (AttemptKind.SEED, AttemptKind.REMEASURE)
"""Kinds of attempts whose kernel is there from the start."""


def next_step(record: Record, stages: Mapping[str, Stage]) -> Step:
    """The one thing to do next; the same for every process that reads the same record."""
    step = _unlimited(record, stages)
    reason = over_budget(record, _limits(step, record.campaign.budget))
    return Pause(reason) if reason else step


def way_on(record: Record, stages: Mapping[str, Stage]) -> str | None:
    """The option that a resume needs for want of a first kernel; None when nothing is wanting."""
    if best(record) is not None or FIRST_KERNEL not in plan(record):
        return None
    step = _unlimited(record, stages)
    return step.option if isinstance(step, Pause) else None


def first_empty(attempt: Attempt) -> Field:
    """The first field of an unfinished attempt that is not filled."""
    if attempt.failure is not None or attempt.evaluation is not None:
        return Field.DECISION
    if attempt.kernel_sha is not None:
        return Field.EVALUATION
    if attempt.brief is None:
        return Field.BRIEF
    if attempt.prompt_sha is None:
        return Field.PROMPT
    return Field.REPLY if attempt.reply is None else Field.KERNEL


def _limits(step: Step, budget: Budget) -> Budget:
    """The limits that a step can pass: a reply that is paid for is judged however many tokens it took."""
    if isinstance(step, Begin):
        asks = step.kind not in _GIVEN
    elif isinstance(step, Advance):
        asks = step.field in (Field.BRIEF, Field.PROMPT, Field.REPLY)
    else:
        return Budget()
    if asks:
        return budget
    judges = isinstance(step, Begin) or step.field is Field.EVALUATION
    return Budget(max_minutes=budget.max_minutes if judges else None)


def _unlimited(record: Record, stages: Mapping[str, Stage]) -> Step:
    under_way = next((attempt for attempt in record.attempts if not attempt.done), None)
    if under_way is not None:
        return Advance(under_way.id, first_empty(under_way))
    return _start(record) or _next_of_stage(record, stages)


def _start(record: Record) -> Step | None:
    """What has to be judged before any stage: the seed, or what was carried over to a card."""
    seed = record.campaign.settings.seed
    if not record.attempts and seed:
        return Begin(AttemptKind.SEED, stage=None, parent=None, kernel_sha=seed)
    if has_estimates_to_decide(record):
        find = to_measure(record)[0]
        return Begin(AttemptKind.REMEASURE, find.stage, parent=find.id, kernel_sha=find.kernel_sha)
    if record.attempts and best(record) is None and (seed or baseline(record)):
        return EndCampaign(_no_start(record))
    return None


def _no_start(record: Record) -> str:
    given = [a for a in record.attempts if a.kind in _GIVEN and a.decision and not a.decision.accepted]
    last = given[0] if len(given) == 1 else given[-1] if given else None
    why = f": {last.decision.reason}" if last and last.decision else ""
    return f"the kernel that the campaign starts from cannot be used{why}"


def _next_of_stage(record: Record, stages: Mapping[str, Stage]) -> Step:
    over = {end.stage for end in record.campaign.stage_ends}
    name = next((name for name in plan(record) if name not in over), None)
    if best(record) is None and FIRST_KERNEL in over:
        return EndCampaign("no first kernel passed, so there is nothing to optimise")
    if name is None:
        return EndCampaign("every stage is over")
    tried = [a for a in record.attempts if a.stage == name and a.kind not in _GIVEN and not _set_aside(a)]
    return _stage_step(record, stages[name], tried)


def _set_aside(attempt: Attempt) -> bool:
    return attempt.decision is not None and attempt.decision.reason == SET_ASIDE


def _stage_step(record: Record, stage: Stage, tried: list[Attempt]) -> Step:
    if not tried:
        reason = _reason_to_skip(record, stage)
        if reason:
            return EndStage(StageEnd(stage=stage.name, outcome="skipped", reason=reason))
        return _round(record, stage, 1)
    last = tried[-1]
    if last.reply is None and last.decision is not None:
        return EndStage(StageEnd(stage=stage.name, outcome="finished", reason=last.decision.reason))
    # A resume can have lowered the number while this round was under way.
    if last.round > rounds_allowed(record, stage, tried):
        return _after_round(record, stage, tried)
    return _repair(record, stage, tried) or _sample(record, last) or _after_round(record, stage, tried)


def _reason_to_skip(record: Record, stage: Stage) -> str | None:
    top = best(record)
    if stage.name == FIRST_KERNEL:
        return "there is a kernel already" if top else None
    return skip_reason(stage, top) if top else None


def _repair(record: Record, stage: Stage, tried: list[Attempt]) -> Step | None:
    last = tried[-1]
    allowed = record.campaign.settings.repairs
    allowed = stage.repairs if allowed is None else allowed
    done = 0
    for attempt in reversed(tried):
        if attempt.kind is not AttemptKind.REPAIR:
            break
        done += 1
    if not failed(last) or done >= allowed:
        return None
    return Begin(
        AttemptKind.REPAIR, stage.name, last.parent, round=last.round, sample=last.sample, mends=last.id
    )


def _sample(record: Record, last: Attempt) -> Step | None:
    """The next reply to the round's prompt, which shows the round's parent even if there is a new best."""
    if last.sample + 1 >= record.campaign.settings.samples:
        return None
    kind = AttemptKind.FIRST if last.stage == FIRST_KERNEL else AttemptKind.OPTIMISE
    return Begin(kind, last.stage, last.parent, round=last.round, sample=last.sample + 1)


def _after_round(record: Record, stage: Stage, tried: list[Attempt]) -> Step:
    done, over = tried[-1].round, tried[-1].round >= rounds_allowed(record, stage, tried)
    if stage.name == FIRST_KERNEL:
        return _after_first_kernels(record, stage, tried, over)
    if over:
        reason = f"all {done} rounds are done" if done > 1 else "its round is done"
        return EndStage(StageEnd(stage=stage.name, outcome="finished", reason=reason))
    barren = _barren_rounds(tried)
    if barren >= stage.plateau:
        reason = f"no gain in {barren} rounds in a row"
        return EndStage(StageEnd(stage=stage.name, outcome="plateau", reason=reason))
    return _round(record, stage, done + 1)


def _after_first_kernels(record: Record, stage: Stage, tried: list[Attempt], over: bool) -> Step:
    """On with the next stage, or with another question; nothing else has a use without a first kernel."""
    if best(record) is not None:
        return EndStage(StageEnd(stage=stage.name, outcome="finished", reason="a first kernel passed"))
    if over:
        return Pause(why_none(record, tried), way_on_from(record, tried, stage))
    return _round(record, stage, tried[-1].round + 1)


def _barren_rounds(tried: list[Attempt]) -> int:
    """Rounds at the end of which none was kept; a round is its samples and their repairs."""
    fruitful = [a.round for a in tried if a.decision and a.decision.accepted]
    return tried[-1].round - max(fruitful, default=0)


def _round(record: Record, stage: Stage, number: int) -> Begin:
    top = best(record)
    kind = AttemptKind.FIRST if stage.name == FIRST_KERNEL else AttemptKind.OPTIMISE
    return Begin(kind, stage.name, top.id if top else None, round=number)
