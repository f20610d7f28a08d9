"""The live page's server: it answers this machine's browser, nobody else's page, and follows the store."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from kernelwright.agent.cli.main import main
from kernelwright.agent.record import Attempt, CampaignStatus
from kernelwright.agent.report.facts import page_texts
from kernelwright.agent.report.serving import LivePage, LiveServer, safe_headers
from kernelwright.agent.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from sample_campaigns import HOSTILE, fill, measured_record, offline_record

Got = tuple[int, dict[str, str], bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "campaigns.db"
    with Store.open(path) as store:
        fill(store, offline_record(), measured_record())
    return path


@contextmanager
def viewing(path: Path, campaign: str = "offl") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command in a process of its own, and its port."""
    argv = [sys.executable, "-m", "kernelwright.agent", "view", campaign, "--store", str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline()  # type: ignore[union-attr]
            yield process, int(address.rstrip("/\n").rpartition(":")[2])
        finally:
            process.kill()


@pytest.fixture
def port(path: Path) -> Iterator[int]:
    with serving(path, "offl") as port:
        yield port


@contextmanager
def serving(path: Path, campaign: str) -> Iterator[int]:
    """The server in a thread of this process, and its port."""
    with Store.open(path, read_only=True) as store, LiveServer(LivePage(store, campaign), 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def get(port: int, target: str, method: str = "GET", **headers: str) -> Got:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, target, headers={name.replace("_", "-"): v for name, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def raw(port: int, request: bytes) -> bytes:
    """Whatever comes back until the server closes the connection, which it may before it has read all."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, suppress(OSError):
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            found += part
    return found


def seen(body: bytes) -> list[str]:
    return [row["id"] for row in json.loads(body)["attempts"]]


def another(attempt: Attempt, number: int) -> Attempt:
    return attempt.model_copy(update={"id": f"{attempt.campaign}.{number}", "number": number})


def test_the_page_comes_with_every_safe_header(port: int) -> None:
    status, headers, body = get(port, "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"data-live" in body
    assert safe_headers().items() <= headers.items()
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Python" not in headers["Server"]


def test_the_data_is_not_sent_again_until_another_process_adds_an_attempt(path: Path) -> None:
    with viewing(path) as (_, port):
        status, headers, body = get(port, "/data.json")
        assert (status, seen(body)) == (200, [f"offl.{n}" for n in range(5)])
        assert get(port, "/data.json", If_None_Match=headers["ETag"])[::2] == (304, b"")
        with Store.open(path) as store:
            store.save_attempt(another(offline_record().attempts[4], 5))
        status, now, body = get(port, "/data.json", If_None_Match=headers["ETag"])
    assert (status, seen(body)) == (200, [f"offl.{n}" for n in range(6)])
    assert now["ETag"] != headers["ETag"]


def test_a_campaign_whose_process_comes_and_goes_is_seen_without_a_write(path: Path, port: int) -> None:
    with Store.open(path) as store:
        campaign = store.campaign("offl")
        store.save_campaign(campaign.model_copy(update={"status": CampaignStatus.RUNNING}))
        assert json.loads(get(port, "/data.json")[2])["campaign"]["standing"] == "stopped"
        with store.hold("offl"):
            assert json.loads(get(port, "/data.json")[2])["campaign"]["standing"] == "running"
        assert json.loads(get(port, "/data.json")[2])["campaign"]["standing"] == "stopped"


def test_every_text_of_the_campaign_can_be_had_and_no_other(path: Path, port: int) -> None:
    with Store.open(path, read_only=True) as store:
        texts = page_texts(store.record("offl"), store.text)
        others = set(page_texts(store.record("meas"), store.text)) - set(texts)
        for key, make in texts.items():
            assert get(port, f"/text/{key}")[::2] == (200, make().encode())
    for key in [*others, "", "..", HOSTILE.encode().hex(), "../data.json", "%2e%2e%2fdata.json"]:
        assert get(port, f"/text/{key}")[0] == 404


@pytest.mark.parametrize(
    "target", ["/x",  "/data.json?x", "/text", "/text/../data.json", "/..%2f..%2fetc%2fpasswd", "/../../etc/passwd",
               "/%2e%2e/%2e%2e/etc/passwd", "/assets/page.css", "*"],
)  # fmt: skip
def test_no_other_path_leads_anywhere(port: int, target: str) -> None:
    status, headers, body = get(port, target)
    assert (status, body) == (404, b"There is no such page.\n")
    assert safe_headers().items() <= headers.items()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(port: int, method: str) -> None:
    status, headers, _ = get(port, "/data.json", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert "Access-Control-Allow-Origin" not in headers


def test_head_says_how_long_the_answer_would_be(port: int) -> None:
    status, headers, body = get(port, "/data.json", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(get(port, "/data.json")[2])


def test_only_requests_that_name_this_server_are_answered(port: int) -> None:
    """Else a page whose name resolves to 127.0.0.1 (DNS rebinding) could read what the server has."""
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert get(port, "/data.json", Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "localhost:1", f"127.0.0.1.evil.example:{port}",
                 f"localhost:{port}@evil.example", f"[::1]:{port}", f"0.0.0.0:{port}", ""):  # fmt: skip
        for target in ("/", "/data.json", "/text/x", "/nowhere"):
            status, headers, body = get(port, target, Host=host)
            assert (status, b"answers only as" in body) == (403, True)
            assert safe_headers().items() <= headers.items()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /data.json HTTP/1.1\r\n\r\n", b"403"),
        (b"GET /data.json HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"GET /data.json HTTP/1.0\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"GET /data.json HTTP/9.9\r\nHost: 127.0.0.1:%d\r\n\r\n", b"505"),
        (b"GET http://127.0.0.1:%d/data.json HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", b"404"),
        (b"BREW / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", b"501"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" + b"X: y\r\n" * 500 + b"\r\n", b"431"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", b"414"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 9\r\n\r\n"
            b"GET /data.json HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
            b"405",
        ),
    ],
    ids=["no-host", "two-hosts", "old-http", "new-http", "whole-address", "unknown-method", "long-header",
         "many-headers", "long-path", "tls", "smuggled"],
)  # fmt: skip
def test_a_strange_request_is_refused_and_the_next_one_answered(
    port: int, request_: bytes, status: bytes
) -> None:
    found = raw(port, request_.replace(b"%d", str(port).encode()))
    if found or len(request_) < 4096:  # of a longer one the refusal may be lost with what was not read
        assert found.split(b" ", 2)[1] == status
        assert found.count(b"HTTP/1.1 ") == 1
        assert b"X-Content-Type-Options: nosniff" in found
    assert get(port, "/")[0] == 200


def test_a_request_in_the_oldest_http_gets_no_data(port: int) -> None:
    assert b"offl" not in raw(port, b"GET /data.json\r\n\r\n")


def test_clients_that_go_away_leave_no_trace_and_ctrl_c_ends_it(path: Path) -> None:
    with viewing(path) as (process, port):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", port)) as rude:
                rude.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )  # a reset, not a farewell
                rude.sendall(f"GET /data.json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode() * 50)
        with socket.create_connection(("127.0.0.1", port)):  # says nothing, holds nobody up
            assert get(port, "/data.json")[0] == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        assert (
            process.stderr.read()
            == "campaign offl: open it in a browser, or let --open do that; Ctrl-C ends\nended\n"
        )  # type: ignore[union-attr]


def test_a_store_that_cannot_be_read_is_a_sentence_and_the_page_comes_back(path: Path) -> None:
    with serving(path, "meas") as port, Store.open(path) as store:
        whole = get(port, "/data.json")[2]
        with store._writing() as connection:
            connection.execute("UPDATE attempts SET data = replace(data, 'kind', 'sort')")
        status, _, body = get(port, "/data.json")
        assert (status, b"does not fit this version" in body) == (503, True)
        with store._writing() as connection:
            connection.execute("UPDATE attempts SET data = replace(data, 'sort', 'kind')")
        assert get(port, "/data.json")[2] == whole


def test_it_is_answered_while_another_process_writes(path: Path, port: int) -> None:
    with Store.open(path) as store, store._writing() as connection:
        connection.execute("DELETE FROM attempts WHERE campaign = 'offl' AND number = 4")
        assert len(json.loads(get(port, "/data.json")[2])["attempts"]) == 5


def test_many_clients_at_once_all_get_whole_answers_while_the_campaign_grows(path: Path, port: int) -> None:
    keys = [row["page"] for row in json.loads(get(port, "/data.json")[2])["attempts"]]

    def client(number: int) -> list[int]:
        found = [get(port, f"/text/{keys[number % len(keys)]}") for _ in range(10)]
        seen = [get(port, "/data.json") for _ in range(10)]
        assert all(json.loads(body) for _, _, body in [*found, *seen])
        return [len(json.loads(body)["attempts"]) for _, _, body in seen]

    with ThreadPoolExecutor(8) as threads, Store.open(path) as store:
        clients = [threads.submit(client, number) for number in range(8)]
        for number in range(5, 25):
            store.save_attempt(another(offline_record().attempts[4], number))
        counts = [one.result() for one in clients]
    assert all(seen == sorted(seen) for seen in counts)
    assert len(json.loads(get(port, "/data.json")[2])["attempts"]) == 25


def test_a_burst_of_clients_is_let_in_before_any_of_them_is_answered(path: Path) -> None:
    with Store.open(path, read_only=True) as store, ExitStack() as burst:
        server = burst.enter_context(LiveServer(LivePage(store, "offl"), 0))
        for _ in range(40):  # nobody accepts: who does not fit into the queue is left to try again
            client = socket.create_connection(("127.0.0.1", server.server_port), timeout=0.9)
            burst.enter_context(closing(client))


def test_nothing_is_made_again_while_nothing_changes(path: Path) -> None:
    with Store.open(path, read_only=True) as store, Store.open(path) as writing:
        page = LivePage(store, "offl")
        first = page.data()[0]
        assert page.data()[0] is first
        writing.save_campaign(store.campaign("meas").model_copy(update={"seconds": 5.0}))
        assert page.data()[0] == first


def test_it_listens_on_loopback_alone(path: Path) -> None:
    with Store.open(path, read_only=True) as store, LiveServer(LivePage(store, "offl"), 0) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"
        assert server.address == f"http://127.0.0.1:{server.server_port}/"


def test_a_port_in_use_is_one_sentence(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        number = taken.getsockname()[1]
        assert main(["view", "offl", "--store", str(path), "--port", str(number)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"port {number} of 127.0.0.1 cannot be used, since another program listens there" in err


def test_an_unknown_campaign_is_said_before_anything_listens(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", "nope", "--store", str(path)]) == 2
    assert "there is no campaign 'nope'" in capsys.readouterr().err


def test_the_browser_is_opened_when_it_is_asked_for(path: Path, tmp_path: Path) -> None:
    browser, seen_address = tmp_path / "browser", tmp_path / "address"
    browser.write_text(
        f'#!/bin/sh\nprintf %s "$1" > {seen_address}.part\nmv {seen_address}.part {seen_address}\n'
    )
    browser.chmod(0o755)
    argv = [sys.executable, "-m", "kernelwright.agent", "view", "offl", "--store", str(path), "--open"]
    environment = {**os.environ, "BROWSER": f"{browser} %s"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as process:
        address = process.stdout.readline().strip()  # type: ignore[union-attr]
        until = time.monotonic() + 30
        while not seen_address.exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
    assert seen_address.read_text() == address
