"""A warm parent: has imported torch and Triton, has not started CUDA, and forks runners on request.

Run as ``python -m kernelwright.evaluator.warm_parent FD KIND``. On the Unix socket FD it receives one byte with a
runner's channel attached, forks a runner that serves the channel, and answers with the runner's process id.
``K`` plus a process id ends that runner and whatever runners left behind, and is answered with ``K`` once they
are gone. It ends, with everything that it forked, when the socket closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import socket
import struct
import sys

from . import limits, processes

_PID = struct.Struct("!q")
_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG
_SWEEP_SECONDS = 4.0


def main(fd: int, kind: str) -> None:
    """Serve until the judge is gone."""
    _prepare(kind)
    family = Family()
    limits.protect_memory(True)
    before = _surroundings()
    control = socket.socket(fileno=fd)
    control.sendall(b"R")
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1 + _PID.size, 1)
        if not message:
            break
        if message[:1] == b"K":
            if not family.end(_PID.unpack(message[1:])[0]):
                break  # the judge sees the closed socket and ends the whole sandbox
            control.sendall(b"K")
            continue
        if _surroundings() != before:
            break  # a runner changed what the next one would inherit
        control.sendall(_PID.pack(family.fork(control, fds[0])))
    family.end(*family.live)


def _prepare(kind: str) -> None:
    """Pay once for what every runner of this kind imports.

    None of it becomes garbage: nobody searches it for that, neither here meanwhile nor in the runners.
    """
    gc.disable()
    import torch
    import torch.utils._python_dispatch
    import triton
    import triton.language  # noqa: F401

    from . import runner  # noqa: F401

    torch.set_num_threads(2)
    if kind == "recording":
        from .offline.recording import prepare

        prepare()
    elif kind == "interpreting":
        from .offline import counting, interpreting  # noqa: F401
    gc.freeze()
    gc.enable()


def _surroundings() -> tuple[object, ...]:
    """What other processes of the same user can change of this one, however well its memory is protected."""
    kinds = [value for name, value in vars(resource).items() if name.startswith("RLIMIT_")]
    held = [resource.getrlimit(kind) for kind in kinds]
    return held, os.sched_getaffinity(0), os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)


class Family:
    """The runners that live, and what they leave behind: orphans are handed to this process."""

    def __init__(self) -> None:
        self.live: set[int] = set()
        limits.adopt_orphans()
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        # The first process of a namespace only gets the signals from inside that it handles.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def fork(self, control: socket.socket, fd: int) -> int:
        """A runner that serves the channel ``fd``; its process id."""
        # A runner that dies at once must not be noted after it was reaped.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if not pid:
            _be_runner(control, fd)
        self.live.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        os.close(fd)
        # In both processes, so that a kill right after the fork finds the group.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid

    def end(self, *pids: int) -> bool:
        """End these runners and every descendant that belongs to no living one; False when one does not die."""
        for pid in pids:
            # A dead runner's number is freed by `_reap` alone, which also strikes it from the living.
            if pid in self.live:
                self.live.discard(pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
        return processes.end(self._strays, _SWEEP_SECONDS)

    def _strays(self) -> list[processes.Process]:
        """Descendants of this process that are no living runner and descend from none."""
        self._reap()
        running = processes.alive()
        own = [one for one in running if one.parent == os.getpid() and one.pid not in self.live]
        return [*own, *processes.below([one.pid for one in own], running)]

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self.live.discard(pid)


def _be_runner(control: socket.socket, fd: int) -> None:
    """In the child: serve, then end; does not return."""
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)  # no runner outlives its parent
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        control.close()
        limits.protect_memory(False)  # CUDA looks at its own process
        from .runner import serve

        serve(socket.socket(fileno=fd))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
