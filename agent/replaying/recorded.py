"""An evaluator that judges nothing: its verdicts are those of a record."""

from __future__ import annotations

from collections.abc import Callable

from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.phases import sha256_of
from kernelwright.evaluator.protocol import Contender, Job, Progress, Session, Standing

from .. import rules
from ..providers.base import ReplayMiss
from ..record import Attempt, Record
from .fork import unjudged
from .past import terms_of
from .source import Source


class RecordedEvaluator:
    """An `Evaluator` that knows the kernels of one record, by what each was timed against."""

    def __init__(self, source: Source, again: Callable[[], Record]) -> None:
        """``again`` gives the campaign that asks, as it is stored."""
        self._source = source
        self._again = again

    def open(self, task: str, target: str) -> Session:
        """The record's session, with a warning that nothing is judged."""
        said = f"verdicts are those of {self._source.id}{self._source.place}: nothing is judged here"
        warnings = [warning for warning in self._source.session.warnings if warning != said]
        return self._source.session.model_copy(update={"noise_floor": None, "warnings": [*warnings, said]})

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        """The verdict as it is stored; raises `ReplayMiss` for a kernel or a baseline that the record lacks."""
        kernel = sha256_of(job.source)
        against = sha256_of(job.against) if job.against is not None else None
        found = self._verdicts(kernel, against)
        if not found:
            texts = {**self._source.texts, kernel: job.source}
            raise ReplayMiss(unjudged(self._source, self._again(), kernel, against, texts))
        return self._under_its_noise(found[0])

    def noise_floor(self, task: str, source: str, progress: Progress) -> float | None:
        """The record's; of several, which a resumed campaign has, the least: the verdicts bring what they need."""
        floors = [
            terms_of(self._source.record, a).noise_floor for a in self._source.record.attempts if _timed(a)
        ]
        return None if all(floor is None for floor in floors) else min(floor or 0.0 for floor in floors)

    def compare(self, task: str, contenders: list[Contender], progress: Progress) -> list[Standing]:
        """The record's head-to-head when it was between the same kernels; else none."""
        record = self._source.record
        best, start = rules.best(record), rules.baseline(record)
        ours = {a.kernel_sha for a in (best, start) if a is not None}
        asked = {sha256_of(contender.source) for contender in contenders if contender.source is not None}
        return list(record.campaign.standings) if asked == ours else []

    def close(self) -> None:
        """Nothing was started."""

    def _verdicts(self, kernel: str, against: str | None) -> list[Attempt]:
        """Attempts whose verdict answers; one without a timing does whatever it would have been timed against."""
        judged = [a for a in self._source.record.attempts if a.evaluation and a.kernel_sha == kernel]
        baseline = against or "eager"
        return [a for a in judged if a.evaluation and _baseline(a.evaluation) in (None, baseline)]

    def _under_its_noise(self, attempt: Attempt) -> Evaluation:
        """The verdict with the noise floor that held when it was decided on, where the session's is a smaller one."""
        evaluation, floor = attempt.evaluation, terms_of(self._source.record, attempt).noise_floor
        assert evaluation is not None
        least = self.noise_floor("", "", lambda _: None)
        if not _timed(attempt) or evaluation.timing is None or (floor or 0.0) <= (least or 0.0):
            return evaluation
        needed = max(floor or 0.0, evaluation.timing.noise_floor or 0.0)
        timing = evaluation.timing.model_copy(update={"noise_floor": needed})
        return evaluation.model_copy(update={"timing": timing})


def _baseline(evaluation: Evaluation) -> str | None:
    return evaluation.timing.baseline if evaluation.timing else None


def _timed(attempt: Attempt) -> bool:
    """Whether the attempt's decision rests on a time against another kernel's."""
    timing = attempt.evaluation.timing if attempt.evaluation else None
    return timing is not None and timing.baseline not in ("eager", "compile")
