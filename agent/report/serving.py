"""The live page: the report of one campaign on a loopback port, as it stands when the page asks.

`LivePage` knows what there is to see, `answer` decides what a request gets (pure over both), and `LiveServer`
is the edge: Python's own threading HTTP server on 127.0.0.1. Nothing can be written through it. A page of
another site must not read it, so requests have to name this very address as their host, and every
answer forbids to be embedded, kept or guessed at.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from ..record import Record
from ..store import Follower, Store, StoreError
from ..views.text import one_line
from .facts import page_facts, page_texts
from .page import policy, shell

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
"""By which a browser on this machine may call us."""
METHODS = ("GET", "HEAD")
IDLE_SECONDS = 60
"""After which a silent connection is closed."""

HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What a request gets."""

    status: HTTPStatus
    kind: str = TEXT
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _State:
    """The page's data at one moment of the campaign."""

    record: Record
    standing: str
    data: bytes
    tag: str
    texts: Mapping[str, Callable[[], str]]


class LivePage:
    """What there is to see of a campaign now. Threads may share it: they take turns at the store."""

    def __init__(self, store: Store, campaign_id: str) -> None:
        self._store = store
        self._follower = Follower(store, campaign_id)
        self._lock = Lock()
        self._state: _State | None = None

    @cached_property
    def shell(self) -> bytes:
        """The page without its data."""
        return shell(live=True).encode()

    def data(self) -> tuple[bytes, str]:
        """The page's data as JSON, and a tag that changes with it; raises `StoreError`."""
        with self._lock:
            state = self._now()
            return state.data, state.tag

    def text(self, key: str) -> str:
        """A long text that the data names; raises KeyError for any other, and `StoreError`."""
        with self._lock:
            return (self._state or self._now()).texts[key]()

    def _now(self) -> _State:
        record = self._follower.record()
        standing = self._store.standing(record.campaign)
        known = self._state
        if known is None or known.record is not record or known.standing != standing:
            self._state = known = _state(record, standing, self._store)
        return known


def _state(record: Record, standing: str, store: Store) -> _State:
    data = json.dumps(page_facts(record, standing), allow_nan=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    return _State(record, standing, data, tag, page_texts(record, store.text))


def answer(page: LivePage, port: int, method: str, target: str, headers: Iterable[tuple[str, str]]) -> Answer:
    """What a request gets: the page, its data, one of its texts, or a refusal in one sentence."""
    given = [(name.lower(), value) for name, value in headers]
    hosts = [value for name, value in given if name == "host"]
    if len(hosts) != 1 or not _is_ours(hosts[0], port):
        return _refusal(
            HTTPStatus.FORBIDDEN, f"This server answers only as {LOOPBACK}:{port} or localhost:{port}."
        )
    if method not in METHODS:
        return _refusal(
            HTTPStatus.METHOD_NOT_ALLOWED, "Nothing can be changed here.", Allow=", ".join(METHODS)
        )
    try:
        return _found(page, target, dict(given).get("if-none-match"))
    except KeyError:
        return _refusal(HTTPStatus.NOT_FOUND, "There is no such page.")
    except StoreError as problem:
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(problem))


def _is_ours(host: str, port: int) -> bool:
    ours = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())
    return host.lower() in ours


def _found(page: LivePage, target: str, seen: str | None) -> Answer:
    if target == "/":
        return Answer(HTTPStatus.OK, HTML, page.shell)
    if target == "/data.json":
        data, tag = page.data()
        known = Answer(HTTPStatus.NOT_MODIFIED, JSON, headers={"ETag": tag})
        return known if seen == tag else Answer(HTTPStatus.OK, JSON, data, {"ETag": tag})
    folder, _, key = target.rpartition("/")
    if folder != "/text":
        raise KeyError(target)
    return Answer(HTTPStatus.OK, TEXT, page.text(key).encode("utf-8", "replace"))


def _refusal(status: HTTPStatus, sentence: str, **headers: str) -> Answer:
    return Answer(status, TEXT, f"{sentence}\n".encode("utf-8", "replace"), headers)


def safe_headers() -> dict[str, str]:
    """What every answer carries: run nothing but our script, embed nowhere, keep nothing, guess nothing."""
    return {
        "Content-Security-Policy": f"{policy(live=True)}; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


class LiveServer(ThreadingHTTPServer):
    """Serves a `LivePage` on 127.0.0.1; port 0 takes a free one. Raises OSError where it cannot listen."""

    daemon_threads = True
    request_queue_size = 64  # with the base class's 5, whom a burst of others comes before waits for a second

    def __init__(self, page: LivePage, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.page = page

    @property
    def address(self) -> str:
        """What to type into a browser."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def server_bind(self) -> None:
        """Without the base class's question to the name service, which can take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error; anything else is one line."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, ConnectionError | TimeoutError):
            _say(problem)


def _say(problem: BaseException | None) -> None:
    said = one_line(f"a request failed: {type(problem).__name__}: {problem}")
    print(f"kernelwright: {said}", file=sys.stderr, flush=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # in 0.9, the base class's, a refusal would have no headers
    server_version, sys_version = "kernelwright", ""
    timeout = IDLE_SECONDS
    server: LiveServer

    def _answer(self) -> None:
        try:
            found = answer(
                self.server.page, self.server.server_port, self.command, self.path, self.headers.items()
            )
        except Exception as problem:
            _say(problem)
            found = _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "That failed; the terminal says how.")
        self._send(found)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _answer

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses by itself (no HTTP, too long, unknown method) gets our headers too."""
        self._send(_refusal(HTTPStatus(code), HTTPStatus(code).phrase))

    def _send(self, found: Answer) -> None:
        if found.status >= HTTPStatus.BAD_REQUEST:
            self.close_connection = True  # a body that we did not read may follow
        self.send_response(found.status)
        closing = {"Connection": "close"} if self.close_connection else {}
        kind = (
            {}
            if found.status is HTTPStatus.NOT_MODIFIED
            else {"Content-Type": found.kind, "Content-Length": str(len(found.body))}
        )
        for name, value in {**safe_headers(), **kind, **found.headers, **closing}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the page asks every two seconds."""
