"""The way through a campaign gone again: what begins next, when a stage ends or is skipped. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kernelwright.stages import Stage

from .. import rules
from ..record import Attempt, CampaignStatus, Record, StageEnd, Terms
from .difference import Difference, text_diff
from .past import terms_around, under


def compare_steps(record: Record, stages: Mapping[str, Stage]) -> Difference | None:
    """The first place at which today's rules would not have taken the step that was taken.

    Behind it nothing can be compared, since every step rests on those before it.
    """
    gone = [name for name in _stage_names(record) if name not in stages]
    if gone:
        return Difference(
            attempt=record.campaign.id,
            what=f"its stage '{gone[0]}' no longer exists, so its order of attempts cannot be compared",
        )
    walk = _Walk(record, stages)
    while not walk.done:
        found = walk.step()
        if found:
            return found
    return None


def _stage_names(record: Record) -> list[str]:
    return [*rules.plan(record), *(a.stage for a in record.attempts if a.stage)]


class _Walk:
    """The record as far as it was gone again."""

    def __init__(self, record: Record, stages: Mapping[str, Stage]) -> None:
        self._whole = record
        self._stages = stages
        self._attempts: list[Attempt] = []
        self._ends: list[StageEnd] = []
        self.done = False

    def step(self) -> Difference | None:
        """Take one step if today's rules take it too; what they do instead if not."""
        asked = [self._next(terms) for terms in terms_around(self._whole, len(self._attempts))]
        begun, end = self._begun(), self._end()
        if begun is not None and (wrong := self._misplaced(begun)):
            return self._alone(begun.id, wrong)
        if begun is not None and any(_begins(step, begun) for step in asked):
            self._attempts.append(begun)
            self.done = not begun.done
            return self._open_behind(begun) if self.done else None
        if end is not None and any(step == rules.EndStage(end) for step in asked):
            self._ends.append(end)
            return None
        if begun is None and end is None:
            self.done = True
            return self._compare_finish(asked)
        return self._fork(asked[0], begun, end)

    def _misplaced(self, begun: Attempt) -> str | None:
        """What is wrong with an attempt's name or number, by which others and the past are found."""
        place = len(self._attempts)
        name = f"{self._whole.campaign.id}.{place}"
        right = begun.number == place and begun.id == name
        return None if right else f"it stands where {name} should, under the number {begun.number}"

    def _open_behind(self, begun: Attempt) -> Difference | None:
        """Nothing begins and nothing ends while an attempt waits for its decision."""
        finished = self._whole.campaign.status is CampaignStatus.FINISHED
        if not finished and self._begun() is None and self._end() is None:
            return None
        return self._alone(begun.id, "it was never decided on, and the record goes on behind it")

    @staticmethod
    def _alone(attempt: str, what: str) -> Difference:
        return Difference(attempt=attempt, what=f"{what}; what follows was not compared")

    def _begun(self) -> Attempt | None:
        place = len(self._attempts)
        return self._whole.attempts[place] if place < len(self._whole.attempts) else None

    def _end(self) -> StageEnd | None:
        ends, place = self._whole.campaign.stage_ends, len(self._ends)
        return ends[place] if place < len(ends) else None

    def _next(self, terms: Terms) -> rules.Step:
        campaign = self._whole.campaign.model_copy(update={"stage_ends": list(self._ends)})
        so_far = self._whole.model_copy(update={"campaign": campaign, "attempts": list(self._attempts)})
        return rules.next_step(under(so_far, terms), self._stages)

    def _compare_finish(self, asked: Sequence[rules.Step]) -> Difference | None:
        campaign = self._whole.campaign
        ended = rules.EndCampaign(campaign.finish_reason or "")
        if campaign.status is not CampaignStatus.FINISHED or ended in asked:
            return None
        return self._difference(f"finished: {campaign.finish_reason}", _said(asked[0]))

    def _fork(self, step: rules.Step, begun: Attempt | None, end: StageEnd | None) -> Difference:
        # Of the two that could be next in the record, the one of the earlier stage was.
        ended_first = end is not None and (begun is None or begun.stage != end.stage)
        recorded = _said(rules.EndStage(end)) if end and ended_first else _said_of(begun)
        return self._difference(recorded, _said(step))

    def _difference(self, recorded: str, today: str) -> Difference:
        after = self._attempts[-1].id if self._attempts else f"the beginning of {self._whole.campaign.id}"
        diff = text_diff(recorded + "\n", today + "\n", "the record", "today's rules")
        return Difference(
            attempt=self._attempts[-1].id if self._attempts else self._whole.campaign.id,
            what=f"after {after} today's rules take another step; what follows was not compared",
            diff=diff,
        )


def _begins(step: rules.Step, begun: Attempt) -> bool:
    return isinstance(step, rules.Begin) and step == _begin_of(begun, step.kernel_sha)


def _begin_of(attempt: Attempt, kernel_sha: str | None) -> rules.Begin:
    """The step that began the attempt; the rules name a kernel only where one is there from the start."""
    return rules.Begin(
        kind=attempt.kind,
        stage=attempt.stage,
        parent=attempt.parent,
        round=attempt.round,
        sample=attempt.sample,
        mends=attempt.mends,
        kernel_sha=attempt.kernel_sha if kernel_sha else None,
    )


def _said_of(attempt: Attempt | None) -> str:
    return _said(_begin_of(attempt, attempt.kernel_sha if attempt.brief is None else None)) if attempt else ""


def _said(step: rules.Step) -> str:
    """A step in words."""
    match step:
        case rules.Begin():
            of = f" of {step.parent}" if step.parent else ""
            mends = f", to mend {step.mends}" if step.mends else ""
            kernel = f", kernel {step.kernel_sha[:10]}" if step.kernel_sha else ""
            place = f"{step.stage} round {step.round} sample {step.sample}" if step.stage else "no stage"
            return f"begin: {step.kind.value}{of}, {place}{mends}{kernel}"
        case rules.EndStage():
            return f"stage {step.end.stage} {step.end.outcome}: {step.end.reason}"
        case rules.EndCampaign() | rules.Pause():
            return f"finished: {step.reason}"
        case rules.Advance():
            return f"go on with {step.attempt}"
