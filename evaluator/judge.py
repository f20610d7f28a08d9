"""The trusted process that decides.

Run as ``python -m kernelwright.evaluator.judge cuda|offline PAGE [--without A,B]``; PAGE is the descriptor of a
`vigil.Page`. One JSON request per line on standard input; on standard output any number of ``{"progress": …}``
lines and then one ``{"result": …}`` or ``{"error": …}``. It ends when its input does.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kernelwright.reference_kernels import Task, TaskError, load_task
from pydantic import TypeAdapter

from . import defences, sandbox
from .devices import Card, detect_card
from .failed import failed, senseless
from .gpus import Gpu, gpu, gpu_by_title
from .protocol import Contender, EnvironmentLacks, GpuUnhealthy, Job, Progress, Session
from .reference.patience import show_on
from .session_folder import session_folder
from .vigil import Page
from .witnesses import said

if TYPE_CHECKING:
    from .measured.judge import MeasuredJudge
    from .offline.judge import OfflineJudge
    from .offline.parents import Parents

_CONTENDERS = TypeAdapter(list[Contender])
_TOLD = (EnvironmentLacks, GpuUnhealthy, TaskError)
"""What a request may end with besides its result."""


class Server:
    """Answers requests about one task on one device."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self._judge: MeasuredJudge | OfflineJudge | None = None
        self._parents: Parents | None = None
        self._opened: tuple[str, str] | None = None
        self._lock: TextIO | None = None

    def open(self, task: str, target: str, tell: Progress) -> dict[str, Any]:
        """Start the judge for a task that proves itself and a target; the session as JSON-able data."""
        began = time.monotonic()
        described = load_task(task)
        if self._opened != (task, target):
            self.close()
            from .reference.proving import room

            with room(described):
                self._judge = self._start(described, target, tell)
                if not defences.switched_off():  # a red team's judge is weaker than a task may ask for
                    self._require_proof(self._judge)
            self._opened = (task, target)
        assert self._judge is not None
        session = self._session(gpu(target), self._judge)
        session.environment["start_seconds"] = f"{time.monotonic() - began:.1f}"
        return session.model_dump(mode="json")

    def _start(self, task: Task, target: str, tell: Progress) -> MeasuredJudge | OfflineJudge:
        if self.kind == "offline":
            from .offline.judge import OfflineJudge
            from .offline.parents import Parents

            self._parents = self._parents or Parents(self.folder / "parents")
            return OfflineJudge(task, gpu(target), self._parents)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        card = _card()
        from .measured.judge import MeasuredJudge

        self._lock = _exclusive(card.uuid, tell)
        return MeasuredJudge(task, gpu(target), _row_of_card(card.name), card, folder)

    def _require_proof(self, judge: MeasuredJudge | OfflineJudge) -> None:
        from .reference.proving import on_the_cpu, require

        if judge.kind == "cuda":
            require(judge.oracle)
        elif oracle := judge.small[0] if judge.small else on_the_cpu(judge.task):
            require(oracle)

    def prove(self, task: str, tell: Progress) -> dict[str, Any]:
        """Whether a task's check refuses answers that are none; needs no session."""
        from .reference.proving import prove

        described = load_task(task)
        self.close()
        if self.kind == "cuda":
            self._lock = _exclusive(_card().uuid, tell)
        tell(f"checking {described.name}")
        return prove(described, "cuda" if self.kind == "cuda" else "cpu").model_dump(mode="json")

    def _session(self, target: Gpu, judge: MeasuredJudge | OfflineJudge) -> Session:
        return Session(
            kind=judge.kind,
            device=judge.device_name,
            target=target.name,
            sandbox=sandbox.level(),
            facts=judge.oracle.facts,
            floor_ms=judge.floors(),
            environment=judge.environment(),
            warnings=[] if sandbox.level() == "bubblewrap" else [sandbox.PROCESS_WARNING],
        )

    def evaluate(self, job: dict[str, Any], tell: Progress) -> dict[str, Any]:
        """One verdict."""
        parsed = Job.model_validate(job)
        self.open(parsed.task, parsed.target, tell)
        assert self._judge is not None
        try:
            verdict = self._judge.evaluate(parsed, tell).to_json()
        except Exception as problem:
            if not _from_the_candidate(problem):
                raise
            traceback.print_exc()
            verdict = failed(
                parsed,
                senseless(problem),
                kind=self._judge.kind,
                device=self._judge.device_name,
                confined=sandbox.level(),
            ).to_json()
        found: dict[str, Any] = json.loads(verdict)
        found["warnings"] += said(defences.switched_off())
        return found

    def noise_floor(self, source: str, tell: Progress) -> float | None:
        """The A/A floor of the open session; None offline."""
        assert self._judge is not None
        return self._judge.noise_floor(source, tell)

    def compare(self, contenders: list[dict[str, Any]], tell: Progress) -> list[dict[str, Any]]:
        """The head-to-head of the open session; empty offline."""
        assert self._judge is not None
        parsed = _CONTENDERS.validate_python(contenders)
        return [standing.model_dump(mode="json") for standing in self._judge.compare(parsed, tell)]

    def end(self) -> None:
        """End every process."""
        self.close()
        if self._parents is not None:
            self._parents.close()

    def close(self) -> None:
        """End what serves one task alone."""
        self._opened = None
        if self._judge is not None:
            self._judge.close()
            self._judge = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _from_the_candidate(problem: Exception) -> bool:
    """Whether a surprise is one kernel's: not the evaluator's own word, nor a card that this process lost."""
    import torch

    if isinstance(problem, EnvironmentLacks | GpuUnhealthy | TaskError | torch.AcceleratorError):
        return False
    return not (isinstance(problem, RuntimeError) and "cuda" in str(problem).lower())


def _row_of_card(name: str) -> Gpu:
    """The table's row of the card in this machine, its device properties winning over the table."""
    import torch

    row = gpu_by_title(name)
    if row is None:
        raise EnvironmentLacks(
            f"the card '{name}' is not in the GPU table: add it to evaluator/gpus.toml (see `kernelwright gpus`)"
        )
    properties = torch.cuda.get_device_properties(0)
    return row.model_copy(update={"sm_count": properties.multi_processor_count})


def _card() -> Card:
    card = detect_card()
    if card is None:
        raise EnvironmentLacks("no CUDA card answers: run with --device offline, or check nvidia-smi")
    return card


def _exclusive(uuid: str, tell: Progress) -> TextIO:
    """The one lock of this card; waits for another evaluation to end."""
    path = Path(tempfile.gettempdir()) / f"kernelwright-{os.getuid()}-{uuid}.lock"
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        tell("waiting for another evaluation on this card")
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def serve(kind: str, requests: TextIO, answers: TextIO) -> None:
    """Answer until the requests end."""
    with session_folder() as folder:
        _serve(Server(kind, folder), requests, answers)


def _serve(server: Server, requests: TextIO, answers: TextIO) -> None:
    def say(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def tell(phrase: str) -> None:
        say(progress=phrase)

    operations: dict[str, Callable[..., object]] = {
        "open": server.open,
        "evaluate": server.evaluate,
        "noise_floor": server.noise_floor,
        "compare": server.compare,
        "prove": server.prove,
    }
    try:
        for line in requests:
            request = json.loads(line)
            try:
                say(result=operations[request.pop("op")](**request, tell=tell))
            except _TOLD as problem:
                name = next(kind.__name__ for kind in _TOLD if isinstance(problem, kind))
                say(error={"type": name, "message": str(problem)})
    finally:
        server.end()


def main() -> None:
    """Keep both streams from the task's code and from what libraries print, and die with the campaign."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    kind, page = sys.argv[1], int(sys.argv[2])
    show_on(Page(page), answers.fileno())
    os.close(page)
    if sys.argv[3:4] == ["--without"]:
        defences.switch_off(sys.argv[4].split(","))
    with contextlib.suppress(KeyboardInterrupt):  # from a client that waits no longer
        serve(kind, requests, answers)


if __name__ == "__main__":
    main()
