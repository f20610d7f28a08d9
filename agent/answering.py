"""An attempt's prompt, byte for byte, to another model: asked, judged as the attempt was, and stored at each step."""

from __future__ import annotations

from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.protocol import Evaluator, Job, Progress, Session
from kernelwright.stages import stage

from .answer import Answer
from .judging import Text
from .providers.base import Provider, Request
from .record import Attempt, Failure, Record
from .replies import extract
from .store import Answers, Store

VERSIONS = ("torch", "triton", "driver")
"""Of two verdicts that can be compared, these agree."""
PYTORCH = ("eager", "compile")


def request(record: Record, text: Text, attempt: Attempt, model: str, before: int) -> Request:
    """The attempt's own question for a model that answered it ``before`` times already.

    Raises ValueError for an attempt that asked nothing.
    """
    if attempt.prompt_sha is None or attempt.stage is None:
        raise ValueError(f"attempt {attempt.id} asked nothing")
    return Request(
        attempt=f"{attempt.id}.{model}.{before + 1}",
        prompt=text(attempt.prompt_sha),
        prompt_sha=attempt.prompt_sha,
        stage=attempt.brief.stage if attempt.brief else stage(attempt.stage),
        parent_source=parent_source(record, text, attempt),
        sample=before,
        answered=before,
    )


def parent_source(record: Record, text: Text, attempt: Attempt) -> str | None:
    """The kernel that the prompt shows; None for a first kernel."""
    parent = record.attempt(attempt.parent) if attempt.parent else None
    return text(parent.kernel_sha) if parent and parent.kernel_sha else None


def verdict_on(record: Record, attempt: Attempt) -> Evaluation | None:
    """The stored verdict on an attempt's kernel, which a twin may have got; None where there is none."""
    if attempt.evaluation or attempt.kernel_sha is None:
        return attempt.evaluation
    twins = (other for other in record.attempts if other.kernel_sha == attempt.kernel_sha)
    return next((twin.evaluation for twin in twins if twin.evaluation), None)


def job(record: Record, session: Session, text: Text, attempt: Attempt, source: str) -> Job:
    """The question that the attempt's kernel was judged by, put to another source."""
    settings, measured = record.campaign.settings, session.kind == "cuda"
    return Job(
        task=settings.task,
        source=source,
        target=settings.target,
        against=_against(record, text, attempt) if measured else None,
        profile=measured,
        threshold=settings.threshold,
    )


def _against(record: Record, text: Text, attempt: Attempt) -> str | None:
    """What the attempt was timed against, or is to be: its parent's kernel; None for PyTorch eager."""
    verdict = verdict_on(record, attempt)
    if verdict is None or verdict.timing is None:
        return parent_source(record, text, attempt)
    return None if verdict.timing.baseline in PYTORCH else text(verdict.timing.baseline)


def differences(verdict: Evaluation, session: Session) -> list[str]:
    """Why a verdict cannot be compared with one of this session; empty when it can be."""
    there = _place(verdict.provenance == "measured", verdict.device)
    here = _place(session.kind == "cuda", session.device)
    if there != here:
        return [f"{there} and not {here}"]
    pairs = {name: (verdict.environment.get(name), session.environment.get(name)) for name in VERSIONS}
    return [
        f"with {name} {old} and not {new}" for name, (old, new) in pairs.items() if old and new and old != new
    ]


def _place(measured: bool, device: str) -> str:
    return f"measured on {device}" if measured else "estimated offline"


class Answering:
    """Takes answers to one attempt a step further at a time; what is returned is stored."""

    def __init__(self, store: Store, record: Record, attempt: Attempt) -> None:
        self._store = store
        self._answers = Answers(store)
        self._record = record
        self._attempt = attempt

    def unfinished(self, provider: str, model: str, judge: bool) -> list[Answer]:
        """Answers of that model that a stop left without a kernel, or with ``judge`` without a verdict."""
        return [a for a in self._of(provider, model) if not a.extracted or (judge and a.open)]

    def ask(self, provider: Provider, model: str) -> Answer:
        """Put the prompt to the provider and store what it says; raises what the provider raises."""
        before = len(self._of(provider.name, model))
        question = request(self._record, self._store.text, self._attempt, model, before)
        return self._answers.new(self._attempt, provider.name, model, provider.ask(question))

    def extracted(self, answer: Answer) -> Answer:
        """The answer with its kernel, or with why there is none."""
        if answer.extracted:
            return answer
        found = extract(answer.reply.text, answer.reply.finish_reason)
        if isinstance(found, Failure):
            return self._saved(answer, failure=found)
        return self._saved(answer, kernel_sha=self._store.put_text(found))

    def judged(self, answer: Answer, evaluator: Evaluator, session: Session, say: Progress) -> Answer:
        """The answer with its verdict, and with the attempt's own of this session where it takes one."""
        if answer.kernel_sha is None:
            return answer
        if answer.evaluation is None or differences(answer.evaluation, session):
            verdict = evaluator.evaluate(self._job(session, answer.kernel_sha), say)
            answer = self._saved(
                answer, evaluation=verdict, differences=self._differences(session), again=None
            )
        if answer.differences and answer.again is None:
            answer = self._saved(answer, again=self._again(evaluator, session, say))
        return answer

    def _of(self, provider: str, model: str) -> list[Answer]:
        found = self._answers.of(self._attempt.id)
        return [answer for answer in found if (answer.provider, answer.model) == (provider, model)]

    def _job(self, session: Session, kernel: str) -> Job:
        return job(self._record, session, self._store.text, self._attempt, self._store.text(kernel))

    def _differences(self, session: Session) -> list[str]:
        """Why the attempt's kernel is to be judged again; empty when it is not, or when there is none."""
        if self._attempt.kernel_sha is None:
            return []
        verdict = verdict_on(self._record, self._attempt)
        return differences(verdict, session) if verdict else ["not given here"]

    def _again(self, evaluator: Evaluator, session: Session, say: Progress) -> Evaluation:
        """The attempt's kernel judged in this session, or by an earlier answer's as good as in this one."""
        for other in self._answers.of(self._attempt.id):
            if other.again and not differences(other.again, session):
                return other.again
        if self._attempt.kernel_sha is None:
            raise ValueError(f"attempt {self._attempt.id} has no kernel to judge again")
        return evaluator.evaluate(self._job(session, self._attempt.kernel_sha), say)

    def _saved(self, answer: Answer, **changes: object) -> Answer:
        answer = answer.model_copy(update=changes)
        self._answers.save(answer)
        return answer
