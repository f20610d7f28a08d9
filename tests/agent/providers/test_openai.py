"""Against a real HTTP server on loopback; the SDK and its retries are the real ones."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent.providers.base import ProviderMisconfigured, ProviderPaused, Request
from kernelwright.agent.providers.openai import OpenAIProvider
from kernelwright.agent.record import ExtractionFailure, Failure, Reply
from kernelwright.agent.replies import extract
from model_server import Answer, Api, completion, error, serving

KEY = "sk-test-0123456789abcdefghijkl"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as served:
        yield served


@pytest.fixture
def ask(api: Api, request_for: Callable[..., Request]) -> Callable[..., Reply]:
    def asked(*answers: Answer, **options: Any) -> Reply:
        api.answers.extend(answers)
        settings: dict[str, Any] = {"timeout_s": 5.0, "max_retries": 1, "env": {"OPENAI_API_KEY": KEY}}
        provider = OpenAIProvider("small-model", base_url=api.url, **(settings | options))
        assert KEY not in repr(provider)
        return provider.ask(request_for("Make it faster."))

    return asked


def test_a_reply_carries_what_the_api_said(api: Api, ask: Callable[..., Reply]) -> None:
    began = time.monotonic()
    reply = ask(completion("Hello."), temperature=0.3, max_completion_tokens=500)
    assert (reply.text, reply.provider, reply.model) == ("Hello.", "openai", "small-model-2")
    assert (reply.finish_reason, reply.usage.prompt_tokens, reply.usage.completion_tokens) == ("stop", 11, 7)
    assert reply.parameters == {"temperature": 0.3, "max_completion_tokens": 500}
    assert reply.latency_s is not None
    assert 0 < reply.latency_s <= time.monotonic() - began
    (seen,) = api.seen
    assert seen["messages"] == [{"role": "user", "content": "Make it faster."}]
    assert (seen["path"], seen["model"]) == ("/v1/chat/completions", "small-model")
    assert (seen["temperature"], seen["max_completion_tokens"]) == (0.3, 500)
    assert seen["auth"] == f"Bearer {KEY}"


def test_what_was_not_asked_for_is_not_sent(api: Api, ask: Callable[..., Reply]) -> None:
    assert ask(completion()).parameters == {}
    assert not {"temperature", "max_completion_tokens", "max_tokens"} & set(api.seen[0])


def test_a_rate_limit_is_retried_when_the_api_says(api: Api, ask: Callable[..., Reply]) -> None:
    started = time.monotonic()
    assert ask(error(429, Retry_After="1"), completion("At last.")).text == "At last."
    assert len(api.seen) == 2
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_does_not_end_pauses_after_the_retries(api: Api, ask: Callable[..., Reply], status: int) -> None:
    with pytest.raises(ProviderPaused, match=str(status)):
        ask(error(status, "overloaded"), max_retries=2)
    assert len(api.seen) == 3


def test_a_stalled_connection_pauses(api: Api, ask: Callable[..., Reply]) -> None:
    with pytest.raises(ProviderPaused, match="silent"):
        ask(Answer(stall=True), timeout_s=0.3, max_retries=1)
    assert len(api.seen) == 2


def test_a_wrong_key_pauses_at_once_and_names_the_variable(api: Api, ask: Callable[..., Reply]) -> None:
    with pytest.raises(ProviderPaused, match="OPENAI_API_KEY"):
        ask(error(401, f"Incorrect API key provided: {KEY}"))
    assert len(api.seen) == 1


def test_an_unknown_model_is_named(ask: Callable[..., Reply]) -> None:
    with pytest.raises(ProviderPaused, match="small-model"):
        ask(error(404, "The model does not exist"))


def test_a_refused_request_says_why(ask: Callable[..., Reply]) -> None:
    with pytest.raises(ProviderPaused, match="temperature is not supported"):
        ask(error(400, "temperature is not supported"))


def test_a_truncated_reply_keeps_its_text_and_its_finish_reason(ask: Callable[..., Reply]) -> None:
    reply = ask(completion("```python\nimport torch\n", finish="length"))
    assert reply.finish_reason == "length"
    found = extract(reply.text, reply.finish_reason)
    assert isinstance(found, Failure)
    assert found.kind is ExtractionFailure.TRUNCATED


@pytest.mark.parametrize(
    "answer",
    [completion(choices=[]), completion(None), completion(""), completion(choices=[{"index": 0}])],
    ids=["no choice", "null", "empty", "no message"],
)
def test_an_answer_without_text_is_an_empty_reply(
    api: Api, ask: Callable[..., Reply], answer: Answer
) -> None:
    reply = ask(answer)
    assert reply.text == ""
    assert reply.usage.total == 18
    assert len(api.seen) == 1


def test_a_refusal_is_the_text(ask: Callable[..., Reply]) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I will not."}
    assert ask(completion(choices=[{"index": 0, "message": message}])).text == "I will not."


def test_parts_are_one_text(ask: Callable[..., Reply]) -> None:
    assert ask(completion([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])).text == "ab"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b'{"choices": [{"index"'),
        Answer(body=b""),
        Answer(body=b"[]"),
        Answer(body=b"null"),
        Answer(body=b"{}"),
        Answer(body=b'"hello"'),
        Answer(body=b"\xff\xfe"),
        Answer(body=b'{"choices": {"a": 1}}'),
        Answer(body=b"<html>Welcome</html>", headers={"Content-Type": "text/html"}),
        Answer(body=b'{"error": {"message": "upstream is down"}}'),
        Answer(body=b'{"choices": []}', drop=True),
    ],
    ids=lambda answer: f"{answer.body[:20]!a}",
)
def test_an_answer_that_is_no_completion_pauses(ask: Callable[..., Reply], answer: Answer) -> None:
    with pytest.raises(ProviderPaused, match=r"127\.0\.0\.1") as caught:
        ask(answer, max_retries=0, timeout_s=1.0)
    assert "\n" not in str(caught.value)


def test_odd_fields_do_not_break_a_reply(ask: Callable[..., Reply]) -> None:
    reply = ask(completion("ok \ud800", finish=None, usage={"prompt_tokens": "many"}, model=None))
    assert reply.text == "ok ?"
    assert (reply.finish_reason, reply.usage.total, reply.model) == (None, 0, "small-model")
    reply.model_dump_json().encode()


def test_a_refused_connection_pauses(request_for: Callable[..., Request]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = OpenAIProvider(
        "m", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0, env={"NO_PROXY": "127.0.0.1"}
    )
    with pytest.raises(ProviderPaused, match="cannot be reached"):
        provider.ask(request_for())


def test_a_local_server_needs_no_key(api: Api, ask: Callable[..., Reply]) -> None:
    assert ask(completion("Hello."), env={}).text == "Hello."


def test_the_url_of_the_environment_is_used(api: Api, request_for: Callable[..., Request]) -> None:
    api.answers.append(completion("Hello."))
    provider = OpenAIProvider("m", env={"OPENAI_BASE_URL": api.url})
    assert provider.ask(request_for()).text == "Hello."


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"env": {}}, "OPENAI_API_KEY"),
        ({"env": {"OPENAI_API_KEY": "  "}}, "OPENAI_API_KEY"),
        ({"env": {"OPENAI_API_KEY": "sk-a\nb"}}, "OPENAI_API_KEY"),
        ({"env": {"OPENAI_API_KEY": "clé"}}, "OPENAI_API_KEY"),
        ({"env": {}, "base_url": "localhost:8000"}, "base URL"),
        ({"env": {}, "base_url": "http://[::1"}, "base URL"),
    ],
)
def test_what_is_missing_is_said_before_anything_runs(options: dict[str, Any], names: str) -> None:
    with pytest.raises(ProviderMisconfigured, match=names):
        OpenAIProvider("m", **options)


@pytest.mark.parametrize(
    "answer",
    [
        error(401, f"Incorrect API key provided: {KEY}. You sent 'Bearer {KEY}'"),
        error(400, "x" * 185 + KEY),
        error(500, KEY),
        error(429, f"limit for {KEY[:14]}***{KEY[-4:]}"),
        Answer(body=json.dumps({"error": {"message": KEY}}).encode()),
    ],
)
def test_the_key_is_in_no_error(ask: Callable[..., Reply], answer: Answer) -> None:
    with pytest.raises(ProviderPaused) as caught:
        ask(answer, max_retries=0)
    assert KEY[:14] not in str(caught.value) + repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_key_is_in_no_reply(ask: Callable[..., Reply]) -> None:
    reply = ask(completion(f"You sent {KEY}.", finish=KEY, model=KEY))
    assert KEY not in reply.model_dump_json() + repr(reply)
    assert reply.text == "You sent [key]."


def test_the_key_is_not_logged(ask: Callable[..., Reply], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ask(completion("Hello."))
    assert caplog.records
    assert KEY not in caplog.text
