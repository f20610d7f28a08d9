"""One task: its seed and its best kernel are judged, and those that pass meet PyTorch head to head."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.protocol import (
    Contender,
    EnvironmentLacks,
    Evaluator,
    GpuUnhealthy,
    Job,
    Progress,
    Session,
    Standing,
)
from kernelwright.reference_kernels import TaskError

from .rows import Entry, Kernel, Name, Place, Planned, Row

NO_SEED = "the task has none"
NO_CARD = "needs a card"


def run_task(planned: Planned, place: Place, evaluator: Evaluator, tell: Progress) -> Row:
    """What came of a task; whatever ends it early is its row's failure. Closes the evaluator."""
    row = blank(planned, place)
    try:
        _run(row, planned, evaluator, tell)
    except (TaskError, EnvironmentLacks, GpuUnhealthy) as problem:
        row.failure, row.card_lost = str(problem), isinstance(problem, GpuUnhealthy)
    finally:
        with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
            evaluator.close()
    return row


def blank(planned: Planned, place: Place) -> Row:
    """The row of a task before anything is known of it."""
    why = None if place.measured else NO_CARD
    return Row(
        task=planned.task,
        name=planned.name,
        reference=planned.reference,
        description=planned.description,
        place=place,
        when=datetime.now(UTC),
        contenders=[
            Entry(name="eager", reason=why),
            Entry(name="compile", reason=why),
            _entry("seed", planned.seed, NO_SEED),
            _entry("best", planned.best, planned.no_best),
        ],
    )


def _entry(name: Name, kernel: Kernel | None, otherwise: str) -> Entry:
    if kernel is None:
        return Entry(name=name, reason=otherwise)
    return Entry(name=name, kernel=kernel.sha, origin=kernel.origin, place=kernel.place)


def _run(row: Row, planned: Planned, evaluator: Evaluator, tell: Progress) -> None:
    with _clocked(row, "start"):
        _describe(row, evaluator.open(planned.task, row.place.target))
    sources = {kernel.sha: kernel.source for kernel in (planned.seed, planned.best) if kernel}
    with _clocked(row, "verdicts"):
        for sha, source in sources.items():
            _judge(row, sha, source, evaluator, tell)
    if row.place.measured:
        with _clocked(row, "head_to_head"):
            _compare(row, sources, evaluator, tell)


def _describe(row: Row, session: Session) -> None:
    floor = session.floor_ms
    row.sandbox, row.environment = session.sandbox, session.environment
    row.floor_ms = floor.target if floor.device is None else floor.device


def _judge(row: Row, sha: str, source: str, evaluator: Evaluator, tell: Progress) -> None:
    """One verdict, for every contender of that source: the seed may be the best kernel too."""
    mine = [entry for entry in row.contenders if entry.kernel == sha]
    job = Job(task=row.task, source=source, target=row.place.target)
    began = time.monotonic()
    verdict = evaluator.evaluate(job, lambda phase: tell(f"{mine[0].name}, {phase}"))
    for entry in mine:
        entry.status, entry.reason = verdict.status, verdict.reason
        entry.estimate, entry.warnings = verdict.estimate, verdict.warnings
        entry.seconds = round(time.monotonic() - began, 1)


def _compare(row: Row, sources: dict[str, str], evaluator: Evaluator, tell: Progress) -> None:
    """Eager first, since speedups are over the first contender."""
    ours: dict[str, str] = {}
    for entry in row.contenders:
        if entry.kernel and entry.status is Status.PASSED:
            ours.setdefault(entry.kernel, entry.name)
    contenders = [Contender(name=name, source=sources[sha]) for sha, name in ours.items()]
    torch = [Contender(name="eager"), Contender(name="compile")]
    found = {one.name: one for one in evaluator.compare(row.task, [*torch, *contenders], tell)}
    for entry in row.contenders:
        standing = found.get(ours.get(entry.kernel, "") if entry.kernel else entry.name)
        if standing is not None and (entry.kernel or entry.name in ("eager", "compile")):
            _timed(entry, standing, row.floor_ms)


def _timed(entry: Entry, standing: Standing, floor: float | None) -> None:
    entry.median_ms, entry.rounds = standing.median_ms, standing.rounds
    entry.reason = standing.reason
    if standing.median_ms is None:
        return
    entry.speedup, entry.speedup_ci95 = standing.speedup, standing.speedup_ci95
    entry.fraction_of_floor = floor / standing.median_ms if floor is not None else None


@contextmanager
def _clocked(row: Row, what: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        row.seconds[what] = round(time.monotonic() - began, 1)
