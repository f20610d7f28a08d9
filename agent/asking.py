"""From an attempt to the question that is put to a provider: brief, prompt, request."""

from __future__ import annotations

from kernelwright.evaluator.gpus import Gpu
from kernelwright.evaluator.protocol import Session
from kernelwright.prompts import render
from kernelwright.reference_kernels.task import Task
from kernelwright.stages import Stage, stages

from . import rules
from .brief import Brief
from .briefing import make_brief, make_workload
from .providers.base import Request
from .record import Attempt, AttemptKind, Record
from .store import Store


class Asking:
    """Makes questions from a record as it stands."""

    def __init__(self, store: Store, record: Record, session: Session, task: Task, gpu: Gpu) -> None:
        self._store = store
        self._record = record
        self._session = session
        self._task = task
        self._gpu = gpu

    def brief(self, attempt: Attempt) -> Brief:
        """What the prompt is filled from; later samples of a round take the first one's."""
        first = self._first_sample(attempt)
        if first is not None and first.brief is not None:
            return first.brief
        return make_brief(
            self._record,
            self._store.text,
            _stage(attempt),
            self._record.attempt(attempt.parent) if attempt.parent else None,
            self._record.attempt(attempt.mends) if attempt.mends else None,
            self._gpu,
            make_workload(self._task, self._session.facts),
            rules.eager_ms(self._record),
        )

    def prompt(self, attempt: Attempt) -> dict[str, object]:
        """The attempt's fields that name its prompt, whose text is stored."""
        first = self._first_sample(attempt)
        if first is not None and first.prompt_sha is not None:
            names = ("template", "template_sha", "prompt_sha")
            return {name: getattr(first, name) for name in names}
        if attempt.brief is None:
            raise ValueError(f"attempt {attempt.id} has no brief to make a prompt from")
        made = render(attempt.brief.template, attempt.brief.data())
        return {
            "template": made.template,
            "template_sha": made.template_sha,
            "prompt_sha": self._store.put_text(made.text),
        }

    def request(self, attempt: Attempt) -> Request:
        """The question as a provider takes it."""
        if attempt.prompt_sha is None:
            raise ValueError(f"attempt {attempt.id} has no prompt to ask")
        parent = self._record.attempt(attempt.parent) if attempt.parent else None
        return Request(
            attempt=attempt.id,
            prompt=self._store.text(attempt.prompt_sha),
            prompt_sha=attempt.prompt_sha,
            stage=_stage(attempt),
            parent_source=self._store.text(parent.kernel_sha) if parent and parent.kernel_sha else None,
            sample=attempt.sample,
            tried=frozenset(a.kernel_sha for a in self._record.attempts if a.kernel_sha),
            answered=sum(1 for a in self._record.attempts if a.reply),
        )

    def _first_sample(self, attempt: Attempt) -> Attempt | None:
        if attempt.kind is AttemptKind.REPAIR or attempt.sample == 0:
            return None
        for other in self._record.attempts[: attempt.number]:
            same_round = (other.stage, other.round) == (attempt.stage, attempt.round)
            if same_round and other.kind is attempt.kind and other.sample == 0:
                return other
        return None


def _stage(attempt: Attempt) -> Stage:
    if attempt.stage is None:
        raise ValueError(f"attempt {attempt.id} belongs to no stage and asks nothing")
    return stages()[attempt.stage]
