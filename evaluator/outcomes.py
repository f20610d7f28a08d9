"""What a verdict on a hostile, wrong or honest kernel means, and the two figures that must be zero. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .defences import Defence
from .evaluation import Evaluation, Status, Timing
from .statistics import Next, log_ratios, next_pair
from .witnesses import Shown

NO_GAIN = "no_gain"
"""Expected of a hostile kernel that may pass the checks, since what it tries makes it no faster."""
THRESHOLD = 0.02
"""Relative gain over the seed that counts as one."""


class Group(StrEnum):
    """The folder that a kernel lies in."""

    HOSTILE = "hostile"
    WRONG = "wrong"
    HONEST = "honest"


class Outcome(StrEnum):
    """What a verdict means, given what was expected."""

    REFUSED = "refused"
    OTHER = "refused otherwise"  # by another status than expected; what it tried has failed all the same
    NO_GAIN = "no gain"  # passed, and is no faster than the seed: nothing was won
    NEEDS_CARD = "needs a card"  # offline cannot see what it tries, or cannot judge it
    ACCEPTED = "accepted"
    PASSED = "passed"
    WRONGLY_REFUSED = "wrongly refused"
    CARD_LOST = "card lost"  # the card stopped answering while it was judged


@dataclass(frozen=True)
class Candidate:
    """One kernel of a task's hostile, wrong or honest ones."""

    task: str
    """A bundled task's name, or the path of its folder."""
    id: str
    """``softmax/hostile/lazy_tensor``."""
    group: Group
    kind: str
    """Timing, Replay, Output, Algorithm or Environment; Mistake for a wrong kernel, Control for an honest one."""
    tries: str
    expected: str
    source: str
    seed: str | None
    """What it is timed against; None: PyTorch eager."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that it answers to, alone or with others."""
        task, _, name = self.id.split("/")
        return self.id, f"{task}/{name}", name, self.group, self.kind.lower()


class Result(BaseModel):
    """What became of one kernel."""

    model_config = ConfigDict(extra="forbid")
    kernel: str
    group: Group
    kind: str
    tries: str
    expected: str
    """On the device of this run."""
    outcome: Outcome
    refused_by: str | None = None
    """The defence, else a word for the failure; None when nothing refused it."""
    seconds: float
    evaluation: Evaluation | None
    """None when the card was lost."""


class Report(BaseModel):
    """A whole run; written after every result, so it may end in the middle."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)
    schema_version: Literal[1] = Field(default=1, alias="schema")
    device: str
    """The card's name, or ``offline``."""
    target: str
    sandbox: str = ""
    environment: dict[str, str] = Field(default_factory=dict)
    without: list[Defence] = Field(default_factory=list)
    planned: int
    """Number of verdicts that the whole run gives."""
    stopped: str | None = None
    """Why it ended early."""
    accepted: int = 0
    """Hostile and wrong kernels that were accepted: has to be 0."""
    wrongly_refused: int = 0
    """Honest kernels that were not: has to be 0."""
    results: list[Result] = Field(default_factory=list)
    defences: list[Shown] = Field(default_factory=list)

    @property
    def done(self) -> int:
        """Number of verdicts that are there."""
        return len(self.results) + sum((row.on is not None) + (row.off is not None) for row in self.defences)


def outcome(group: Group, expected: str, verdict: Evaluation) -> Outcome:
    """Pure: what a verdict means for a kernel of which that was expected on that device."""
    found, as_expected = verdict.status, verdict.status == expected
    if found is Status.UNCHECKED and as_expected:
        return Outcome.NEEDS_CARD
    if group is Group.HONEST:
        return Outcome.PASSED if found is Status.PASSED else Outcome.WRONGLY_REFUSED
    if found is not Status.PASSED:
        return Outcome.REFUSED if as_expected else Outcome.OTHER
    if verdict.provenance == "estimated" and expected in (Status.PASSED, NO_GAIN):
        return Outcome.NEEDS_CARD
    no_gain = expected == NO_GAIN and not faster(verdict.timing)
    return Outcome.NO_GAIN if no_gain else Outcome.ACCEPTED


def faster(timing: Timing | None) -> bool:
    """Whether the pairs prove a gain, by the rule by which a campaign keeps a kernel."""
    return timing is not None and next_pair(log_ratios(timing.samples), THRESHOLD) is Next.FASTER


_FAILURES = {
    Status.INVALID_SOURCE: "source check",
    Status.COMPILE_ERROR: "compiler",
    Status.RESOURCE_LIMIT: "compiler",
    Status.RUNTIME_ERROR: "crash",
    Status.TIMEOUT: "time limit",
    Status.OUT_OF_MEMORY: "memory",
    Status.INCORRECT: "comparison",
    Status.REJECTED: "judge",
}


def refused_by(verdict: Evaluation) -> str | None:
    """The defence that refused a kernel, else what its failure is called; None when it was not refused."""
    return verdict.refused_by or _FAILURES.get(verdict.status)


def counts(results: Iterable[Result]) -> dict[str, Counter[Outcome]]:
    """Outcomes by kind, in the order in which the kinds first appear."""
    found: dict[str, Counter[Outcome]] = {}
    for result in results:
        found.setdefault(result.kind, Counter())[result.outcome] += 1
    return found


def add(report: Report, result: Result) -> None:
    """One more result, and what it does to the two figures."""
    report.results.append(result)
    report.accepted += result.outcome is Outcome.ACCEPTED
    report.wrongly_refused += result.outcome is Outcome.WRONGLY_REFUSED


def result_of(candidate: Candidate, verdict: Evaluation | None, seconds: float) -> Result:
    """What became of a kernel; without a verdict the card was lost over it."""
    return Result(
        kernel=candidate.id,
        group=candidate.group,
        kind=candidate.kind,
        tries=candidate.tries,
        expected=candidate.expected,
        outcome=outcome(candidate.group, candidate.expected, verdict) if verdict else Outcome.CARD_LOST,
        refused_by=refused_by(verdict) if verdict else None,
        seconds=round(seconds, 1),
        evaluation=verdict,
    )
