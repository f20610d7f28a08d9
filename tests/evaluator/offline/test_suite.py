"""The red team's kernels before the real offline judge: who must be refused is, who must pass does.

And what gets through when a defence is switched off, for every defence that can be seen without a card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.defences import Defence
from kernelwright.evaluator.evaluation import Evaluation, Status
from kernelwright.evaluator.outcomes import NO_GAIN, Candidate, Group, Outcome, outcome
from kernelwright.evaluator.protocol import Job
from kernelwright.evaluator.redteam import candidates
from kernelwright.evaluator.witnesses import WITNESSES, said
from kernelwright.reference_kernels import bundled, load_task

TARGET = "rtx-4090"
Judge = Callable[[str, str, tuple[Defence, ...]], Evaluation]

ALL = [one for task in bundled() for one in candidates(task, "offline")]
LEFT_OPEN = (Status.PASSED, Status.UNCHECKED, NO_GAIN)
"""What a hostile or wrong kernel may expect where only a card can tell."""
JUDGED = [
    one
    for one in ALL
    if (one.expected == Status.PASSED if one.group is Group.HONEST else one.expected not in LEFT_OPEN)
]
OFFLINE = sorted(
    (defence for defence, witness in WITNESSES.items() if witness.device == "offline"),
    key=lambda defence: WITNESSES[defence].task,
)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """Keeps the last session with all defences and the last without some, since opening one takes seconds."""
    with ExitStack() as stack:
        opened: dict[bool, tuple[str, tuple[Defence, ...], JudgeClient]] = {}

        def ask(task: str, source: str, without: tuple[Defence, ...]) -> Evaluation:
            kept = opened.get(not without)
            if kept is None or kept[:2] != (task, without):
                if kept is not None:
                    kept[2].close()
                kept = task, without, stack.enter_context(JudgeClient("offline", without))
                kept[2].open(task, TARGET)
                opened[not without] = kept
            return kept[2].evaluate(Job(task=task, source=source, target=TARGET), lambda _: None)

        yield ask


def name(one: Candidate) -> str:
    return one.id


def test_the_suite_is_large_and_each_task_has_all_three_kinds() -> None:
    groups = {(one.task, one.group) for one in JUDGED}
    assert groups == {(task, group) for task in bundled() for group in Group}
    assert len(JUDGED) >= 100


@pytest.mark.parametrize("one", JUDGED, ids=name)
def test_a_kernel_ends_as_it_must(judge: Judge, one: Candidate) -> None:
    """Refused with the status that it expects, or passed if it is honest."""
    verdict = judge(one.task, one.source, ())
    assert verdict.status == one.expected, verdict.reason
    assert outcome(one.group, one.expected, verdict) in (Outcome.REFUSED, Outcome.PASSED)


@pytest.mark.parametrize("defence", OFFLINE)
def test_what_a_defence_refuses_gets_through_without_it(judge: Judge, defence: Defence) -> None:
    witness = WITNESSES[defence]
    source = (load_task(witness.task).folder / f"{witness.kernel}.py").read_text(encoding="utf-8")
    held = judge(witness.task, source, witness.overlapping)
    assert held.status is not Status.PASSED
    assert held.refused_by in (defence, *witness.through), held.reason
    off = tuple(other for other in Defence if other in (*witness.overlapping, defence))
    let_through = judge(witness.task, source, off)
    assert let_through.status is Status.PASSED, let_through.reason
    assert said(off)[0] in let_through.warnings
