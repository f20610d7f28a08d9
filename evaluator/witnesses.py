"""Each defence in one sentence, and the kernel that shows what gets through when it is switched off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from .defences import SAYS, Defence
from .evaluation import Evaluation, Status


@dataclass(frozen=True)
class Witness:
    """A kernel that is refused with this defence, and accepted without it."""

    task: str
    kernel: str
    """Below the task's folder and without its suffix: ``hostile/lazy_tensor``."""
    device: Literal["offline", "cuda"]
    """The least that is needed to see it: with a card, an offline one is shown on the card."""
    overlapping: tuple[Defence, ...] = ()
    """Off in both runs, because they would refuse the same witness."""
    through: tuple[Defence, ...] = ()
    """The checks that this defence makes see what they would miss: one of them may be what refuses."""

    @property
    def id(self) -> str:
        """``softmax/hostile/lazy_tensor``."""
        return f"{self.task}/{self.kernel}"


_TIMES = (Defence.CLOCK, Defence.SAME_WORK, Defence.PROFILER)
"""Each of them refuses a candidate that lies about its times."""


def _besides(defence: Defence) -> tuple[Defence, ...]:
    return tuple(other for other in _TIMES if other is not defence)


_COMPARISON = (Defence.BUDGET, Defence.FAMILIES, Defence.POISON, Defence.RECHECK)
"""Each of them refuses a wrong answer."""

WITNESSES: dict[Defence, Witness] = {
    Defence.BUDGET: Witness("matmul", "hostile/half_inside", "offline", (Defence.FAMILIES,)),
    Defence.FAMILIES: Witness("softmax", "hostile/leaves_out_the_maximum", "offline"),
    Defence.PARAMETERS: Witness("layer_norm", "wrong/skips_affine", "offline", through=_COMPARISON),
    Defence.FRESH_INPUTS: Witness("softmax", "hostile/keeps_row_statistics", "cuda", through=_COMPARISON),
    Defence.POISON: Witness("softmax", "hostile/forges_answers_on_repeats", "offline"),
    Defence.EXACT_OUTPUT: Witness("softmax", "hostile/lazy_tensor", "offline"),
    Defence.INPUTS_KEPT: Witness("layer_norm", "wrong/overwrites_input", "offline"),
    Defence.AT_RETURN: Witness("softmax", "hostile/joins_no_side_stream", "cuda", through=_COMPARISON),
    Defence.RECHECK: Witness("softmax", "hostile/skips_after_twenty_calls", "cuda"),
    Defence.OWN_KERNELS: Witness("matmul", "hostile/decorative_scale", "offline", (Defence.PROFILER,)),
    Defence.KERNEL_IDENTITY: Witness(
        "softmax", "hostile/cuda_under_a_triton_name", "cuda", through=(Defence.OWN_KERNELS,)
    ),
    Defence.SAME_WORK: Witness("softmax", "hostile/shows_triton_when_traced", "cuda"),
    Defence.INTEGRITY: Witness("layer_norm", "hostile/replaces_events", "offline", _TIMES),
    Defence.CLOCK: Witness("layer_norm", "hostile/halves_reported_times", "cuda", _besides(Defence.CLOCK)),
    Defence.FLOOR: Witness("layer_norm", "hostile/claims_no_time", "cuda", _TIMES),
    Defence.BASELINE_ALONE: Witness("layer_norm", "hostile/slows_the_baseline", "cuda"),
    Defence.PROFILER: Witness(
        "layer_norm", "hostile/halves_reported_times", "cuda", _besides(Defence.PROFILER)
    ),
}
"""By defence; `WATCH` has none, since a witness would have to fill the machine: its tests use small limits."""


class Found(StrEnum):
    """What the two runs of a witness say about its defence."""

    SHOWN = "shown"  # refused by this defence, and accepted without it
    NOT_REFUSED = "not refused"  # accepted with the defence on
    OTHER_REFUSED = "refused by another"  # a defence that has nothing to do with it, or a failure of its own
    NOT_ACCEPTED = "refused without it"  # switched off, something else refuses it still
    NEEDS_CARD = "needs a card"
    NO_WITNESS = "tested apart"  # shown by tests of its own
    NOT_RUN = "not run"


class Shown(BaseModel):
    """One defence, and its witness's verdicts with the defence on and off."""

    model_config = ConfigDict(extra="forbid")
    defence: Defence
    says: str
    witness: str | None = None
    overlapping: list[Defence] = []
    on: Evaluation | None = None
    off: Evaluation | None = None
    found: Found = Found.NOT_RUN

    @property
    def failed(self) -> bool:
        """Whether the witness contradicts what is said of its defence."""
        return self.found in (Found.NOT_REFUSED, Found.OTHER_REFUSED, Found.NOT_ACCEPTED)


class Trial(NamedTuple):
    """One run of a witness."""

    defence: Defence
    off: bool
    task: str
    kernel: str
    without: tuple[Defence, ...]
    """All that is switched off in it, in the order of their definition."""


def blank(defence: Defence, device: Literal["offline", "cuda"]) -> Shown:
    """What is known before anything ran."""
    witness = WITNESSES.get(defence)
    if witness is None:
        return Shown(defence=defence, says=SAYS[defence], found=Found.NO_WITNESS)
    needs_card = device == "offline" and witness.device == "cuda"
    return Shown(
        defence=defence,
        says=SAYS[defence],
        witness=witness.id,
        overlapping=list(witness.overlapping),
        found=Found.NEEDS_CARD if needs_card else Found.NOT_RUN,
    )


def trials(rows: Iterable[Shown]) -> list[Trial]:
    """Both runs of every witness that can be run here; those that can share a session follow each other."""
    found = [
        Trial(row.defence, off, witness.task, witness.kernel, _in_order(row.overlapping, row.defence, off))
        for row in rows
        if row.found is Found.NOT_RUN and (witness := WITNESSES.get(row.defence))
        for off in (False, True)
    ]
    return sorted(found, key=lambda trial: (trial.task, trial.without))


def _in_order(overlapping: Sequence[Defence], defence: Defence, off: bool) -> tuple[Defence, ...]:
    wanted = {*overlapping, *([defence] if off else [])}
    return tuple(other for other in Defence if other in wanted)


def with_verdict(row: Shown, off: bool, verdict: Evaluation) -> Shown:
    """The row with one more verdict; a judgement when both are there."""
    filled = row.model_copy(update={"off" if off else "on": verdict})
    if filled.on is None or filled.off is None:
        return filled
    return filled.model_copy(update={"found": _judged(row.defence, filled.on, filled.off)})


def _judged(defence: Defence, on: Evaluation, off: Evaluation) -> Found:
    if on.status is Status.PASSED:
        return Found.NOT_REFUSED
    if on.refused_by not in (defence, *WITNESSES[defence].through):
        return Found.OTHER_REFUSED
    return Found.SHOWN if off.status is Status.PASSED else Found.NOT_ACCEPTED


def said(without: Sequence[Defence]) -> list[str]:
    """The warning that every verdict carries which was found without these; none when nothing was switched off."""
    return [f"switched off: {', '.join(without)}"] if without else []
