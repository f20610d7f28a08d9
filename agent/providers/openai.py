"""Replies from any API that speaks OpenAI's chat completions.

The key comes from the environment at the moment of asking; no object, error or reply holds it. Retries are
the SDK's own (connection errors, 408, 409, 429 and 5xx, with Retry-After); when they are spent the campaign
pauses. A completion with no choices or no content was asked for and answered, so it is a reply with an empty
text, which the rounds count as a failed attempt; an answer that is no chat completion at all pauses, since
asking again would only burn rounds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..record import Reply, Usage
from .base import ProviderMisconfigured, ProviderPaused, Request
from .scrub import scrub

if TYPE_CHECKING:
    from openai import OpenAI

_LOCAL_KEY = "no-key"
"""Sent to a server that was named by URL and needs no key."""


class OpenAIProvider:
    """One question, one chat completion."""

    name = "openai"

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        temperature: float | None = None,
        max_completion_tokens: int | None = None,
        timeout_s: float = 600.0,
        max_retries: int = 4,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Raise ProviderMisconfigured when there is no key and no base URL, or one that cannot be used.

        ``timeout_s`` is how long the API may stay silent, in seconds, per try.
        """
        self.model = model
        self._base_url = base_url
        self._temperature = temperature
        self._max_completion_tokens = max_completion_tokens
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._env = os.environ if env is None else env
        self._key()
        self._url()

    def __repr__(self) -> str:
        return f"OpenAIProvider(model={self.model!r})"

    def ask(self, request: Request) -> Reply:
        """The reply; raises ProviderPaused when the API gives none, ProviderMisconfigured without a key."""
        started = time.monotonic()
        completion = self._complete(request.prompt)
        if isinstance(completion, ProviderPaused):
            raise completion  # outside the handler, so that no traceback leads back to the request
        return self._reply(completion, time.monotonic() - started)

    def _complete(self, prompt: str) -> Any:
        with self._client() as client:
            try:
                return client.chat.completions.create(
                    model=self.model, messages=[{"role": "user", "content": prompt}], **self._parameters()
                )
            except Exception as error:  # a malformed body surfaces as almost any type
                return ProviderPaused(self._sentence(error))

    def _client(self) -> OpenAI:
        import openai

        return openai.OpenAI(
            api_key=self._key(),
            base_url=self._url(),
            timeout=openai.Timeout(self._timeout_s, connect=min(self._timeout_s, 20.0)),
            max_retries=self._max_retries,
        )

    def _parameters(self) -> dict[str, Any]:
        given = {"temperature": self._temperature, "max_completion_tokens": self._max_completion_tokens}
        return {name: value for name, value in given.items() if value is not None}

    def _key(self) -> str:
        key = self._env.get("OPENAI_API_KEY", "").strip()
        if not key.isascii() or not all(character.isprintable() for character in key):
            raise ProviderMisconfigured("OPENAI_API_KEY holds characters that no key has: set it again")
        if not key and self._url() is None:
            raise ProviderMisconfigured(
                "OPENAI_API_KEY is not set: export it, or name a local server with --base-url"
            )
        return key or _LOCAL_KEY

    def _url(self) -> str | None:
        url = (self._base_url or self._env.get("OPENAI_BASE_URL", "")).strip() or None
        if url is not None and _host(url) is None:
            raise ProviderMisconfigured("the base URL is none: give one like http://localhost:8000/v1")
        return url

    def _reply(self, completion: Any, latency_s: float) -> Reply:
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list):
            problem = getattr(completion, "error", None) or "no chat completion"
            raise ProviderPaused(
                f"{self._where()} answered with {self._short(problem)}: check the base URL and the model"
            )
        choice = choices[0] if choices else None
        return Reply(
            text=scrub(_text(getattr(choice, "message", None)), self._key(), least=8),
            provider=self.name,
            model=self._word(getattr(completion, "model", None)) or self.model,
            parameters=self._parameters(),
            finish_reason=self._word(getattr(choice, "finish_reason", None)),
            usage=_usage(getattr(completion, "usage", None)),
            latency_s=latency_s,
        )

    def _word(self, value: object) -> str | None:
        return scrub(_clean(value), self._key(), least=8) if isinstance(value, str) else None

    def _short(self, problem: object) -> str:
        """One line of a foreign message; scrubbed before it is cut, so that no half of a key stays."""
        text = scrub(" ".join(_clean(str(problem)).split()), self._key())
        return text if len(text) <= 200 else text[:200] + "…"

    def _where(self) -> str:
        return f"the API at {_host(self._url() or 'https://api.openai.com')}"

    def _sentence(self, error: Exception) -> str:
        """What went wrong and what to do, in one sentence."""
        import openai

        where = self._where()
        match error:
            case openai.APITimeoutError():
                return f"{where} stayed silent for {self._timeout_s:g} s: try again later"
            case openai.APIConnectionError():
                return f"{where} cannot be reached ({self._short(error.__cause__ or error)}): check that it is up"
            case openai.AuthenticationError():
                return f"{where} refuses the key (401): set OPENAI_API_KEY to a valid one"
            case openai.PermissionDeniedError():
                return f"{where} denies access (403: {self._short(error.message)}): check the key's rights"
            case openai.NotFoundError():
                return f"{where} does not know the model '{self.model}' (404): check --model and the base URL"
            case openai.RateLimitError():
                return f"{where} is over its rate limit or quota (429: {self._short(error.message)}): try again later"
            case openai.APIStatusError() if error.status_code >= 500:
                return f"{where} fails ({error.status_code}: {self._short(error.message)}): try again later"
            case openai.APIStatusError():
                return f"{where} refuses the request ({error.status_code}: {self._short(error.message)})"
        return f"{where} answered with something that is no chat completion ({type(error).__name__})"


def _host(url: str) -> str | None:
    """Host and port, without any name or password that the URL holds; None for what is no URL."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    return f"{parts.hostname}{port}" if parts.scheme in ("http", "https") and parts.hostname else None


def _text(message: object) -> str:
    """Content, or what stands in for it: a refusal, or the texts of a list of parts."""
    content = getattr(message, "content", None)
    if isinstance(content, list):
        content = "".join(str(_field(part, "text") or "") for part in content)
    if not content:
        content = getattr(message, "refusal", None)
    return _clean(content) if isinstance(content, str) else ""


def _field(part: object, name: str) -> object:
    return part.get(name) if isinstance(part, Mapping) else getattr(part, name, None)


def _clean(text: str) -> str:
    """Without lone surrogates, which JSON can carry and no file can."""
    return text.encode("utf-8", "replace").decode()


def _usage(usage: object) -> Usage:
    counts = {name: getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")}
    return Usage(**{name: count for name, count in counts.items() if type(count) is int and count >= 0})
