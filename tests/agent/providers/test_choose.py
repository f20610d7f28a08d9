from __future__ import annotations

import pytest
from kernelwright.agent.providers.base import ProviderMisconfigured
from kernelwright.agent.providers.choose import DEFAULT_MODEL, PROVIDERS, UnknownProvider, choose, model_for

KEY = {"OPENAI_API_KEY": "sk-secret"}
URL = {"OPENAI_BASE_URL": "http://localhost:8000/v1"}


@pytest.mark.parametrize(
    ("env", "base_url", "expected"),
    [
        ({}, None, "tuner"),
        ({"OPENAI_API_KEY": " "}, "", "tuner"),
        (KEY, None, "openai"),
        (URL, None, "openai"),
        ({}, "http://localhost:8000/v1", "openai"),
    ],
)
def test_auto_follows_what_is_configured(env: dict[str, str], base_url: str | None, expected: str) -> None:
    assert choose("auto", base_url=base_url, env=env)[0] == expected


def test_auto_says_that_no_model_was_found_and_what_is_used_instead() -> None:
    sentence = choose("auto", env={})[1]
    assert "No model" in sentence
    assert "tuner" in sentence


def test_the_sentence_names_the_model_and_never_the_key() -> None:
    assert "small-model" in choose("auto", model="small-model", env=KEY)[1]
    assert "sk-secret" not in choose("openai", env=KEY)[1]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_named_provider_is_kept_whatever_is_configured(name: str) -> None:
    chosen, sentence = choose(name, env=KEY)
    assert chosen == name
    assert sentence.endswith(".")


def test_an_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(UnknownProvider, match=r"gemini.*auto, openai, manual, replay, tuner"):
        choose("gemini", env={})


def test_the_model_is_the_named_one_then_the_environments_then_the_default() -> None:
    assert model_for("a", None, {"OPENAI_MODEL": "b"}) == "a"
    assert model_for(None, "http://x", {"OPENAI_MODEL": "b"}) == "b"
    assert model_for(None, None, KEY) == DEFAULT_MODEL


def test_a_server_named_by_url_needs_a_model() -> None:
    with pytest.raises(ProviderMisconfigured, match="--model"):
        model_for(None, None, URL)
