"""The judge's side of runners: warm parents, orders with a time limit, and ways in which a runner can end."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from . import channel, sandbox
from .defences import Defence
from .evaluation import Status
from .places import Places, last_line, remove
from .protocol import EnvironmentLacks
from .watch import Excess, Limits, Watch, default_limits

_PID = struct.Struct("!q")
_START_SECONDS = 120.0
_FORK_SECONDS = 20.0
_KILL_SECONDS = 5.0
"""A card's driver may need a moment to take a dead process's memory back."""
_UNWATCHED_SECONDS = 1.0
"""Of many short orders, most are to go without a look: it would lie in the time that the judge's clock takes."""

Kind = Literal["running", "recording", "interpreting"]
"""On the card; compiling for a target; in Triton's interpreter."""


class Failure(Exception):
    """A candidate's failure, as a status and one sentence."""

    def __init__(self, status: Status, reason: str, defence: Defence | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.defence = defence
        """Which defence refused it, where one did."""
        self.about: str | None = None
        """Which contender failed, where there are several."""


class _Problem(BaseModel):
    """What a runner says when an order failed; taken for what it is, a candidate's word about itself."""

    model_config = ConfigDict(extra="forbid")
    status: Status
    reason: str
    defence: Defence | None = None


class WarmParent:
    """One sandboxed process that forks runners, prepared for what they will do."""

    def __init__(self, folder: Path, kind: Kind = "running", limits: Limits | None = None) -> None:
        self.folder = folder
        self._limits = limits or default_limits()
        self.places = Places(folder)
        self.kind: Kind = kind
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start it without waiting for its imports."""
        ours, theirs = socket.socketpair()
        extra = {"TRITON_CACHE_AUTOTUNING": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        if self.kind == "interpreting":
            extra["TRITON_INTERPRET"] = "1"
        self.places.make()
        self._process = sandbox.start(
            [sys.executable, "-P", "-m", f"{__package__}.warm_parent", str(theirs.fileno()), self.kind],
            folder=self.places.private,
            readable=[self.places.given],
            env=sandbox.environment(self.places.private, extra),
            pass_fds=(theirs.fileno(),),
            log=self.folder / "warm_parent.log",
        )
        theirs.close()
        self._watch = Watch(self._process.pid, self.places.private, self._limits)
        self._control = ours
        self._ready = False

    def _wait(self) -> socket.socket:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self.start()
        assert self._control is not None
        if not self._ready:
            self._control.settimeout(_START_SECONDS)
            with contextlib.suppress(OSError):
                self._ready = self._control.recv(1) == b"R"
            if not self._ready:
                said = last_line(self.folder / "warm_parent.log") or "no output"
                self.close()
                raise EnvironmentLacks(f"a runner cannot start ({said}): try `kernelwright doctor`")
            self._control.settimeout(_FORK_SECONDS)
        return self._control

    def fork(self) -> Runner:
        """A fresh runner; starts or restarts the parent where needed."""
        for last_try in (False, True):
            control = self._wait()
            ours, theirs = socket.socketpair()
            try:
                socket.send_fds(control, [b"F"], [theirs.fileno()])
                (pid,) = _PID.unpack(control.recv(_PID.size, socket.MSG_WAITALL))
                return Runner(self, pid, ours, control)
            except (OSError, struct.error):
                self.close()
                if last_try:
                    raise EnvironmentLacks("runners keep dying at birth: try `kernelwright doctor`") from None
            finally:
                theirs.close()
        raise AssertionError("unreachable")

    def kill(self, pid: int, born_from: socket.socket) -> None:
        """End one runner and what it left behind; where that takes too long, the whole sandbox goes."""
        if self._control is not born_from:  # its parent is gone, and the number may be another's now
            return
        try:
            born_from.settimeout(_KILL_SECONDS)
            born_from.sendall(b"K" + _PID.pack(pid))
            dead = born_from.recv(1) == b"K"
            born_from.settimeout(_FORK_SECONDS)
        except OSError:
            dead = False
        if not dead:
            self.close()

    def watch(self, later: float = 0.0) -> None:
        """While an answer is waited for: raises `Excess` or, when the sandbox is dead, `Closed`."""
        if self._process is None or self._process.poll() is not None:
            raise channel.Closed  # orphans of a runner may still hold its end of the channel
        self._watch(later)

    def clean(self) -> None:
        """Between two kernels that share it: what the first one left is gone before the second one starts."""
        self.places.clean()

    def close(self) -> None:
        """End the parent and everything that it forked."""
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
            self._control.close()
            self._control = None
        if self._process is not None:
            sandbox.kill_group(self._process)
            self._process = None


class Runner:
    """One process that runs one candidate. Use as a context manager: leaving it kills the process."""

    def __init__(self, parent: WarmParent, pid: int, sock: socket.socket, born_from: socket.socket) -> None:
        self._parent = parent
        self._pid = pid
        self._sock = sock
        self._born_from = born_from
        self._killed = False
        parent.places.make()
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent.places.private))

    def order(self, op: str, descriptors: Sequence[int] = (), **details: Any) -> None:
        """Send an order without waiting for its answer."""
        with contextlib.suppress(channel.Closed):  # the answer will tell
            channel.send_order(self._sock, {"op": op, **details}, descriptors)

    def answer(self, seconds: float, doing: str) -> dict[str, Any]:
        """The answer to the oldest open order; raises `Failure` for everything that went wrong."""
        try:
            self._parent.watch(_UNWATCHED_SECONDS)
            answer = channel.receive_answer(self._sock, seconds, self._parent.watch)
        except Excess as problem:
            self._parent.close()
            raise Failure(problem.status, f"{problem.reason} (while {doing})", Defence.WATCH) from None
        except channel.TimedOut:
            self.kill()
            raise Failure(Status.TIMEOUT, f"still {doing} after {seconds:.0f} s, so it was killed") from None
        except channel.Closed:
            raise Failure(
                Status.RUNTIME_ERROR, f"the process died while {doing}{self._last_words()}"
            ) from None
        except channel.Malformed as problem:
            self.kill()
            raise Failure(Status.RUNTIME_ERROR, f"{problem} (while {doing})") from None
        if "failure" in answer:
            raise _failure(answer["failure"])
        return answer

    def ask(
        self, op: str, seconds: float, doing: str, descriptors: Sequence[int] = (), **details: Any
    ) -> dict[str, Any]:
        """Order and answer in one."""
        self.order(op, descriptors, **details)
        return self.answer(seconds, doing)

    def _last_words(self) -> str:
        said = last_line(self.folder / "output.log")
        return f": {said[:300]}" if said else ""

    def kill(self) -> None:
        """End the process and what it left behind; if it does not die, the whole sandbox goes."""
        if not self._killed:
            self._killed = True
            self._parent.kill(self._pid, self._born_from)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._sock.close()
        self._parent.places.unlock()  # the way to the folder leads through there
        remove(self.folder)


def _failure(raw: object) -> Failure:
    try:
        problem = _Problem.model_validate(raw)
    except ValidationError:
        return Failure(Status.RUNTIME_ERROR, "the runner's answer made no sense")
    reason = " ".join(problem.reason.split())[:600] or "no reason given"
    if problem.status is Status.PASSED:
        return Failure(Status.RUNTIME_ERROR, f"the runner claimed a pass where it failed: {reason}")
    return Failure(problem.status, reason, problem.defence)
