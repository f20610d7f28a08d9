"""The red team: hostile, wrong and honest kernels, and the witnesses of the defences, through the real evaluator."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from kernelwright.reference_kernels import Task, TaskError, bundled, load_task

from .client import JudgeClient
from .defences import Defence
from .evaluation import Evaluation, Status
from .outcomes import NO_GAIN, THRESHOLD, Candidate, Group, Report, Result, add, result_of
from .protocol import GpuUnhealthy, Job, Progress
from .witnesses import Trial, trials, with_verdict

DeviceKind = Literal["cuda", "offline"]


_KINDS: dict[Group, tuple[str, ...]] = {
    Group.HOSTILE: ("Timing", "Replay", "Output", "Algorithm", "Environment"),
    Group.WRONG: ("Mistake",),
    Group.HONEST: ("Control",),
}


def candidates(task: str, device: DeviceKind) -> list[Candidate]:
    """All kernels of a task with what they expect on that device; raises `TaskError`."""
    found = load_task(task)
    groups = {Group.HOSTILE: found.hostile, Group.WRONG: found.wrong, Group.HONEST: found.honest}
    where = task if task in bundled() else str(found.folder)
    return [
        _candidate(found, where, group, path, device) for group, paths in groups.items() for path in paths
    ]


def _candidate(task: Task, where: str, group: Group, path: Path, device: DeviceKind) -> Candidate:
    expected = task.expected(path, device)
    source = path.read_text(encoding="utf-8")
    if expected not in {*Status, NO_GAIN}:
        raise TaskError(f"'{path}' expects '{expected}': name a status ({', '.join(Status)}) or {NO_GAIN}")
    kind, tries = ("Mistake", _mistake(source)) if group is Group.WRONG else task.about(path)
    if kind not in _KINDS[group]:
        raise TaskError(f"'{path}' is of the kind '{kind}': name one of {', '.join(_KINDS[group])}")
    return Candidate(
        where, f"{task.name}/{group}/{path.stem}", group, kind, tries, expected, source, task.seed_source()
    )


def _mistake(source: str) -> str:
    """A wrong kernel's docstring has its sentence alone in the second paragraph."""
    paragraphs = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")
    return " ".join(" ".join(paragraphs[1:2]).split())


class Asked(NamedTuple):
    """One verdict to be found."""

    id: str
    task: str
    source: str
    seed: str | None
    without: tuple[Defence, ...]


Begin = Callable[[str], Progress]
"""Called with a kernel's id when its turn comes; returns where its phases are told."""
Judged = tuple[Evaluation | None, float]
"""A verdict, None when the card was lost over it, and its wall-clock seconds."""


def judged(asked: Iterable[Asked], device: DeviceKind, report: Report, begin: Begin) -> Iterator[Judged]:
    """The verdicts in their order, one session for neighbours with the same task and the same defences.

    Raises `GpuUnhealthy` after the kernel over which the card was lost, `EnvironmentLacks` and `TaskError`.
    """
    for (task, without), group in groupby(asked, key=lambda one: (one.task, one.without)):
        with JudgeClient(device, without) as judge:
            session = judge.open(task, report.target)
            report.device, report.sandbox = session.device, session.sandbox
            report.environment = session.environment
            for one in group:
                tell, began = begin(one.id), time.monotonic()
                try:
                    verdict = judge.evaluate(_job(one, device, report.target), tell)
                except GpuUnhealthy:
                    yield None, time.monotonic() - began
                    raise
                yield verdict, time.monotonic() - began


def _job(one: Asked, device: DeviceKind, target: str) -> Job:
    """As a campaign asks before it makes a kernel the parent of others."""
    measured = device == "cuda"
    return Job(
        task=one.task,
        source=one.source,
        target=target,
        against=one.seed if measured else None,
        profile=measured,
        threshold=THRESHOLD,
    )


def run(wanted: Sequence[Candidate], device: DeviceKind, report: Report, begin: Begin) -> Iterator[Result]:
    """Judge every kernel; each result is in the report when it comes. Raises as `judged` does."""
    without = tuple(report.without)
    asked = [Asked(one.id, one.task, one.source, one.seed, without) for one in wanted]
    for candidate, (verdict, seconds) in zip(wanted, judged(asked, device, report, begin), strict=True):
        add(report, result_of(candidate, verdict, seconds))
        yield report.results[-1]


def run_witnesses(device: DeviceKind, report: Report, begin: Begin) -> Iterator[Judged]:
    """Judge the witnesses of the report's defences with each on and off, and fill in its rows."""
    planned = trials(report.defences)
    asked = [_of_trial(trial) for trial in planned]
    for trial, found in zip(planned, judged(asked, device, report, begin), strict=True):
        if found[0] is not None:
            row = next(row for row in report.defences if row.defence is trial.defence)
            report.defences[report.defences.index(row)] = with_verdict(row, trial.off, found[0])
        yield found


def _of_trial(trial: Trial) -> Asked:
    """A witness with its source; raises `TaskError` when there is no such kernel."""
    task = load_task(trial.task)
    path = task.folder / f"{trial.kernel}.py"
    if not path.is_file():
        raise TaskError(f"the witness '{path}' of the defence '{trial.defence}' is missing")
    label = f"{trial.task}/{trial.kernel} {'without' if trial.off else 'with'} {trial.defence}"
    return Asked(label, trial.task, path.read_text(encoding="utf-8"), task.seed_source(), trial.without)
