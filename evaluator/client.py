"""A campaign's side of the judge: starts the process, talks JSON lines with it, restarts it once when it dies."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self

from kernelwright.reference_kernels import TaskError
from pydantic import TypeAdapter, ValidationError

from . import sandbox
from .defences import Defence
from .evaluation import Evaluation
from .failed import failed, senseless
from .judge_process import JudgeDied, JudgeProcess
from .protocol import Contender, GpuUnhealthy, Job, Progress, Proof, Session, Standing
from .witnesses import said

_STANDINGS = TypeAdapter(list[Standing])


class JudgeClient:
    """An `Evaluator` whose work happens in a process of its own, `without` some defences for the red team."""

    def __init__(self, kind: Literal["cuda", "offline"], without: Sequence[Defence] = ()) -> None:
        self.kind = kind
        self._without = tuple(without)
        self._process: JudgeProcess | None = None
        self._log = tempfile.TemporaryFile(  # noqa: SIM115
            "w+", prefix="kernelwright-judge-", errors="replace"
        )
        self._opened: tuple[str, str] | None = None
        self._session: Session | None = None
        self._judging = False

    def open(self, task: str, target: str, progress: Progress = lambda _: None) -> Session:
        """Start the judge for a task and a target."""
        self._opened = (task, target)
        raw = self._ask({"op": "open", "task": task, "target": target}, progress)
        self._session = Session.model_validate(raw)
        return self._session

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        """One verdict; a kernel that the judge cannot survive or describe has failed."""
        try:
            raw = self._ask({"op": "evaluate", "job": job.model_dump(mode="json")}, progress)
            return Evaluation.model_validate(raw)
        except JudgeDied:
            return self._failed(job, "the evaluator died twice on this kernel")
        except ValidationError as problem:
            return self._failed(job, senseless(problem))

    def _failed(self, job: Job, reason: str) -> Evaluation:
        session = self._session
        verdict = failed(
            job,
            reason,
            kind=self.kind,
            device=session.device if session else self.kind,
            confined=session.sandbox if session else sandbox.level(),
        )
        return verdict.model_copy(update={"warnings": [*verdict.warnings, *said(self._without)]})

    def noise_floor(self, task: str, source: str, progress: Progress) -> float | None:
        """Relative gain between two copies of one kernel; None offline."""
        found = self._ask({"op": "noise_floor", "source": source}, progress)
        return None if found is None else float(found)

    def compare(self, task: str, contenders: list[Contender], progress: Progress) -> list[Standing]:
        """Head to head; empty offline."""
        raw = [contender.model_dump(mode="json") for contender in contenders]
        return _STANDINGS.validate_python(self._ask({"op": "compare", "contenders": raw}, progress))

    def prove(self, task: str, progress: Progress) -> Proof:
        """Whether a task's check refuses answers that are none; needs no session and ends one."""
        self._opened = self._session = None
        return Proof.model_validate(self._ask({"op": "prove", "task": task}, progress))

    def close(self) -> None:
        """End the judge and everything below it."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._log.close()

    def _ask(self, request: dict[str, Any], progress: Progress) -> Any:
        """One request; a judge that died is started again once, since a poisoned card can take it along.

        Raises `TaskError` when it died twice while the task's own code ran in it, and `JudgeDied` when a kernel ended
        it twice and no card can be to blame.
        """
        try:
            return self._ask_opened(request, progress)
        except JudgeDied as died:
            before = died.fault
        try:
            return self._ask_opened(request, progress)
        except JudgeDied as died:
            if before and died.fault:
                raise TaskError(died.fault) from None
            if self.kind == "offline" and request["op"] == "evaluate" and self._judging:
                raise
            raise GpuUnhealthy(
                f"the evaluator died twice ({self._last_words()}): try `kernelwright doctor`"
            ) from None

    def _ask_opened(self, request: dict[str, Any], progress: Progress) -> Any:
        """A fresh process is opened before it is asked for anything else."""
        self._judging = False
        if self._process is None and self._opened is not None and request["op"] != "open":
            task, target = self._opened
            self._ask_once({"op": "open", "task": task, "target": target}, progress)
        self._judging = self._opened is not None
        return self._ask_once(request, progress)

    def _ask_once(self, request: dict[str, Any], progress: Progress) -> Any:
        if self._process is None:
            self._process = JudgeProcess(self.kind, self._without, self._log)
        try:
            return self._process.ask(request, progress)
        finally:
            if self._process.ended:
                self._process = None

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read()[-4000:].strip().splitlines()
        return lines[-1][:300] if lines else "no output"


def open_evaluator(device: Literal["cuda", "offline"]) -> JudgeClient:
    """An evaluator for that kind of device; nothing is started before it is asked."""
    return JudgeClient(device)
