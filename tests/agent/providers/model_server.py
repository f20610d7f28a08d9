"""A real HTTP server on loopback that answers chat completions as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One canned answer of the server."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stall: bool = False
    drop: bool = False
    """Promise more bytes than are sent."""


@dataclass
class Api:
    """A server that gives its answers in turn, the last one for ever."""

    url: str
    answers: list[Answer]
    seen: list[dict[str, Any]]
    release: threading.Event


def completion(content: object = "Hello.", finish: str | None = "stop", **changes: object) -> Answer:
    body: dict[str, object] = {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "small-model-2",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
    return Answer(body=json.dumps(body | changes).encode())


def error(status: int, message: str = "no", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps({"error": {"message": message}}).encode(), named)


@contextmanager
def serving() -> Iterator[Api]:
    """A server on loopback for as long as the context lasts."""
    release = threading.Event()
    served = Api("", [], [], release)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.seen.append({"path": self.path, "auth": self.headers["Authorization"], **json.loads(body)})
            answer = served.answers.pop(0) if len(served.answers) > 1 else served.answers[0]
            if answer.stall:
                release.wait(20)
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) + 100 * answer.drop))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield served
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()
