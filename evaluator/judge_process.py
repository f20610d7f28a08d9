"""One judge's process: its pipes, and whose fault its end was."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Literal

from kernelwright.reference_kernels import TaskError

from .defences import Defence
from .protocol import EnvironmentLacks, GpuUnhealthy, Progress
from .reference import patience
from .vigil import Page, blank

_ERRORS: dict[str, type[Exception]] = {
    "EnvironmentLacks": EnvironmentLacks,
    "GpuUnhealthy": GpuUnhealthy,
    "TaskError": TaskError,
}
_SECRETS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_LOOK_SECONDS = 0.5
"""Between two looks at a judge that says nothing."""
_GRACE_SECONDS = 10.0
"""Beyond `patience.SECONDS`, in which the judge itself may still tell."""
_END_SECONDS = 20.0
"""For what a judge does at its end."""


class JudgeDied(Exception):
    """The process ended in the middle of a request; ``fault`` says so of the task whose code ran in it, if one did."""

    def __init__(self, fault: str | None = None) -> None:
        super().__init__(fault)
        self.fault = fault


class JudgeProcess:
    """Starts a judge, and ends it with everything that it started. Its stderr goes into a log."""

    def __init__(self, kind: Literal["cuda", "offline"], without: Sequence[Defence], log: IO[str]) -> None:
        shared = blank()
        try:
            self._page = Page(shared)
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", f"{__package__}.judge", kind, str(shared)),
                    *(["--without", ",".join(without)] if without else []),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=without_secrets(os.environ),
                pass_fds=[shared],
                start_new_session=True,
            )
        finally:
            os.close(shared)
        self.ended = False
        self._asked = False

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, request: dict[str, Any], progress: Progress) -> Any:
        """One request; raises what the judge answers with, `JudgeDied`, and `TaskError` for code that stops it."""
        assert self._process.stdin is not None
        self._asked = True
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        for line in self._lines():
            answer = self._parsed(line)
            if "progress" in answer:
                progress(answer["progress"])
            else:
                self._asked = False
                return _result(answer)
        raise self._died()

    def close(self) -> None:
        """Let it end by itself, interrupted in what nobody waits for any more, or kill it after a while."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._asked:
            self._process.send_signal(signal.SIGINT)
        self._end(_END_SECONDS)

    def _lines(self) -> Iterator[bytes]:
        """What it says, line by line, until it is dead or has nothing left to say it with."""
        assert self._process.stdout is not None
        answers, rest = self._process.stdout.fileno(), b""
        while True:
            dead = self._process.poll() is not None  # something that it started may hold the pipe open
            if select.select([answers], [], [], _LOOK_SECONDS)[0]:
                chunk = os.read(answers, 1 << 16)
                if not chunk:
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
            elif dead:
                return
            else:
                self._end_if_overdue()

    def _parsed(self, line: bytes) -> dict[str, Any]:
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
        self._end(0.0)
        raise TaskError(
            f"'{self._page.read().reference}' does not run: it writes to files that are not its own"
        )

    def _end_if_overdue(self) -> None:
        """A call into C is not interrupted from within."""
        note = self._page.read()
        if note.since and time.monotonic() - note.since > patience.SECONDS + _GRACE_SECONDS:
            self._end(0.0)
            raise patience.Overdue(patience.too_late(note.reference, note.doing))

    def _died(self) -> JudgeDied:
        how = _how(self._end(_END_SECONDS))
        note = self._page.read()
        if not note.since:
            return JudgeDied()
        return JudgeDied(
            f"'{note.reference}' does not run: {note.doing} ended the evaluator's process {how}; "
            "run it in a Python of its own to see why"
        )

    def _end(self, seconds: float) -> int:
        """Its exit status, after so many seconds at most; nothing of its process group stays."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        status = self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.ended = True
        return status


def _result(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise _ERRORS[answer["error"]["type"]](answer["error"]["message"])
    return answer["result"]


def _how(status: int) -> str:
    if status >= 0:
        return f"with exit code {status}"
    if -status == signal.SIGKILL:
        return "by SIGKILL, as a machine does whose memory is full"
    return f"by {signal.Signals(-status).name}"


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment less every variable whose name says that it is a secret: the judge needs none."""
    return {
        name: value
        for name, value in environment.items()
        if not any(word in name.upper() for word in _SECRETS)
    }
