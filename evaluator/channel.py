"""Framed messages between the judge and a runner.

The judge, which is trusted, sends pickles; a runner, which is not, answers in JSON of limited size. Nothing
that comes from a runner is ever unpickled.
"""

from __future__ import annotations

import json
import pickle
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

REPLY_LIMIT = 8 * 1024 * 1024
_ORDER_SECONDS = 10.0
"""How long a runner may take to read an order."""
_PAUSE_SECONDS = 0.25
_HEADER = struct.Struct("!Q")
_DESCRIPTORS = 4


class Closed(Exception):
    """The other side is gone."""


class TimedOut(Exception):
    """No whole message came within the time limit."""


class Malformed(Exception):
    """What came is too long or not JSON."""


def _nothing() -> None:
    pass


class _Patience:
    """Waits until a deadline; does something else four times a second, however often something comes."""

    def __init__(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        self._deadline = time.monotonic() + seconds
        self._meanwhile = meanwhile
        self._next = time.monotonic() + _PAUSE_SECONDS

    def wait(self, sock: socket.socket) -> None:
        """Until there is something to receive; raises `TimedOut`."""
        while (now := time.monotonic()) < self._deadline:
            if now >= self._next:
                self._meanwhile()
                self._next = time.monotonic() + _PAUSE_SECONDS
            if select.select([sock], [], [], max(0.0, min(self._deadline, self._next) - now))[0]:
                return
        raise TimedOut


def _receive(sock: socket.socket, size: int, patience: _Patience | None) -> bytes:
    chunks = bytearray()
    while len(chunks) < size:
        if patience is not None:
            patience.wait(sock)
        try:
            chunk = sock.recv(min(size - len(chunks), 1 << 20))
        except OSError:
            raise Closed from None
        if not chunk:
            raise Closed
        chunks += chunk
    return bytes(chunks)


def _send(sock: socket.socket, payload: bytes, descriptors: Sequence[int] = ()) -> None:
    header = _HEADER.pack(len(payload))
    try:
        if descriptors:
            socket.send_fds(sock, [header], list(descriptors))
            sock.sendall(payload)
        else:
            sock.sendall(header + payload)
    except OSError:
        raise Closed from None


def send_order(sock: socket.socket, order: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Judge to runner; raises `Closed` also when the runner does not read."""
    sock.settimeout(_ORDER_SECONDS)
    try:
        _send(sock, pickle.dumps(order), descriptors)
    finally:
        sock.settimeout(None)


def receive_order(sock: socket.socket) -> dict[str, Any]:
    """In the runner: the judge's next order; raises `Closed` when the judge is gone.

    Descriptors that came with it stand in it as ``descriptors``.
    """
    try:
        header, descriptors, _, _ = socket.recv_fds(sock, _HEADER.size, _DESCRIPTORS)
    except OSError:
        raise Closed from None
    if not header:
        raise Closed
    header += _receive(sock, _HEADER.size - len(header), None)
    (size,) = _HEADER.unpack(header)
    order: dict[str, Any] = pickle.loads(_receive(sock, size, None))
    return {**order, "descriptors": descriptors} if descriptors else order


def send_answer(sock: socket.socket, answer: dict[str, Any]) -> None:
    """Runner to judge."""
    _send(sock, json.dumps(answer, allow_nan=True).encode())


def receive_answer(
    sock: socket.socket, seconds: float, meanwhile: Callable[[], None] = _nothing
) -> dict[str, Any]:
    """In the judge: a runner's answer within that time; raises `TimedOut`, `Closed` or `Malformed`.

    ``meanwhile`` is called four times a second; what it raises ends the waiting.
    """
    patience = _Patience(seconds, meanwhile)
    (size,) = _HEADER.unpack(_receive(sock, _HEADER.size, patience))
    if size > REPLY_LIMIT:
        raise Malformed(f"the runner sent {size} bytes where at most {REPLY_LIMIT} are taken")
    try:
        answer = json.loads(_receive(sock, size, patience))
    except (ValueError, RecursionError):
        raise Malformed("the runner's answer is not JSON") from None
    if not isinstance(answer, dict):
        raise Malformed("the runner's answer is not an object")
    return answer
