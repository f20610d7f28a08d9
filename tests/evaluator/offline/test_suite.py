"""The red team's kernels before the real offline judge: who must be refused is, who must pass does.

And what gets through when a defence is switched off, for every defence that can be seen without a card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kernelwright.evaluator import sandbox
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.evaluation import Evaluation, Status
from kernelwright.evaluator.judge import Server
from kernelwright.evaluator.outcomes import NO_GAIN, Candidate, Group, Outcome, outcome
from kernelwright.evaluator.protocol import Job
from kernelwright.evaluator.redteam import candidates
from kernelwright.evaluator.witnesses import WITNESSES, said
from kernelwright.reference_kernels import bundled, load_task

TARGET = "rtx-4090"
Judge = Callable[[str, str], Evaluation]

ALL = [one for task in bundled() for one in candidates(task, "offline")]
LEFT_OPEN = (Status.PASSED, Status.UNCHECKED, NO_GAIN)
"""What a hostile or wrong kernel may expect where only a card can tell."""
JUDGED = [
    one
    for one in ALL
    if (one.expected == Status.PASSED if one.group is Group.HONEST else one.expected not in LEFT_OPEN)
]
OFFLINE = [defence for defence, witness in WITNESSES.items() if witness.device == "offline"]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """One session per task, kept open, since opening one takes seconds."""
    servers: dict[str, Server] = {}

    def ask(task: str, source: str) -> Evaluation:
        if task not in servers:
            servers[task] = Server("offline", tmp_path_factory.mktemp(task))
            servers[task].open(task, TARGET, lambda _: None)
        job = Job(task=task, source=source, target=TARGET)
        return Evaluation.model_validate(servers[task].evaluate(job.model_dump(mode="json"), lambda _: None))

    yield ask
    for server in servers.values():
        server.close()


def name(one: Candidate) -> str:
    return one.id


def test_the_suite_is_large_and_every_task_refuses_something() -> None:
    """The tricks of hostile kernels are the same for every task; where some are tried, honest ones stand beside."""
    groups = {(one.task, one.group) for one in JUDGED}
    assert {task for task, group in groups if group is Group.WRONG} == set(bundled())
    tried = [{task for task, group in groups if group is kind} for kind in (Group.HOSTILE, Group.HONEST)]
    assert tried[0] == tried[1] and len(tried[0]) >= 4
    assert len(JUDGED) >= 150


@pytest.mark.parametrize("one", JUDGED, ids=name)
def test_a_kernel_ends_as_it_must(judge: Judge, one: Candidate) -> None:
    """Refused with the status that it expects, or passed if it is honest."""
    confined(one.group)
    verdict = judge(one.task, one.source)
    assert verdict.status == one.expected, verdict.reason
    assert outcome(one.group, one.expected, verdict) in (Outcome.REFUSED, Outcome.PASSED)


@pytest.mark.parametrize("defence", OFFLINE)
def test_what_a_defence_refuses_gets_through_without_it(judge: Judge, defence: Defence) -> None:
    witness = WITNESSES[defence]
    confined(witness.kernel.partition("/")[0])
    source = (load_task(witness.task).folder / f"{witness.kernel}.py").read_text(encoding="utf-8")
    with without(*witness.overlapping):
        held = judge(witness.task, source)
        with without(defence):
            let_through = judge(witness.task, source)
    assert held.status is not Status.PASSED
    assert held.refused_by in (defence, *witness.through), held.reason
    assert let_through.status is Status.PASSED, let_through.reason
    assert (
        said([other for other in Defence if other in (*witness.overlapping, defence)])[0]
        in let_through.warnings
    )


def confined(group: str) -> None:
    """Hostile kernels fill disks and kill what they can: they are not run with the rights of whoever tests."""
    if group == Group.HOSTILE and sandbox.level() != "bubblewrap":
        pytest.skip("hostile kernels need bubblewrap around them")
