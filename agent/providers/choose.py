"""Which provider ``auto`` stands for, which model it asks, and the sentence that says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .base import ProviderMisconfigured

PROVIDERS = ("openai", "manual", "replay", "tuner")
DEFAULT_MODEL = "gpt-5"
"""Asked on OpenAI's own API when no model is named."""


class UnknownProvider(ValueError):
    """No provider of that name exists."""


def choose(
    name: str, *, model: str | None = None, base_url: str | None = None, env: Mapping[str, str]
) -> tuple[str, str]:
    """The provider's name, and one sentence for the first line of output; raises `UnknownProvider`.

    ``auto`` is openai when a key or a base URL is configured, else tuner.
    """
    if name in PROVIDERS:
        return name, _said(name, model, base_url, env)
    if name != "auto":
        raise UnknownProvider(f"unknown provider '{name}': choose from auto, {', '.join(PROVIDERS)}")
    if not (_url(base_url, env) or _set("OPENAI_API_KEY", env)):
        # No error: a configuration file that names a model serves machines without a key too.
        ignored = f" and the model {model} is ignored" if model else ""
        return "tuner", (
            "No model is configured (neither OPENAI_API_KEY nor a base URL is set), so the built-in tuner "
            f"proposes the changes{ignored}."
        )
    return "openai", _said("openai", model, base_url, env)


def model_for(model: str | None, base_url: str | None, env: Mapping[str, str]) -> str:
    """The model that openai asks: the named one, OPENAI_MODEL, or OpenAI's default.

    Raises `ProviderMisconfigured` for a server that was named by URL, whose models nobody knows.
    """
    named = model or _set("OPENAI_MODEL", env)
    if named is None and _url(base_url, env):
        raise ProviderMisconfigured(
            "no model is named for the base URL: add --model NAME or set OPENAI_MODEL"
        )
    return named or DEFAULT_MODEL


def _said(name: str, model: str | None, base_url: str | None, env: Mapping[str, str]) -> str:
    if name == "openai":
        where = "the configured base URL" if _url(base_url, env) else "OpenAI's API"
        return f"Replies come from {model or _set('OPENAI_MODEL', env) or DEFAULT_MODEL} at {where}."
    return {
        "manual": "Replies come from you: each prompt goes to a file, and its reply is read from beside it.",
        "replay": "Replies come from stored ones; no model is asked.",
        "tuner": "The built-in tuner proposes the changes; no model is asked.",
    }[name]


def _url(base_url: str | None, env: Mapping[str, str]) -> str | None:
    return (base_url or "").strip() or _set("OPENAI_BASE_URL", env)


def _set(variable: str, env: Mapping[str, str]) -> str | None:
    return env.get(variable, "").strip() or None
