"""A warm parent: has imported torch and Triton, has not started CUDA, and forks runners on request.

Run as ``python -m kernelwright.evaluator.warm_parent FD KIND``. On the Unix socket FD it receives one byte with a
runner's channel attached, forks a runner that serves the channel, and answers with the runner's process id.
``K`` plus a process id kills that runner's group. It ends when the socket closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import sys

_PID = struct.Struct("!q")


def main(fd: int, kind: str) -> None:
    """Serve until the judge is gone."""
    import torch
    import torch.utils._python_dispatch
    import triton
    import triton.language  # noqa: F401

    torch.set_num_threads(2)
    if kind == "recording":
        from .offline.recording import prepare

        prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps the runners
    control = socket.socket(fileno=fd)
    control.sendall(b"R")
    forked: list[int] = []
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1 + _PID.size, 1)
        if not message:
            break
        if message[:1] == b"K":
            _kill(_PID.unpack(message[1:])[0])
            continue
        forked.append(_fork(control, fds[0]))
        control.sendall(_PID.pack(forked[-1]))
    for pid in forked:
        _kill(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _fork(control: socket.socket, fd: int) -> int:
    pid = os.fork()
    if pid:
        os.close(fd)
        # In both processes, so that a kill right after the fork finds the group.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no runner outlives its parent
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    control.close()
    from .runner import serve

    try:
        serve(socket.socket(fileno=fd))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
