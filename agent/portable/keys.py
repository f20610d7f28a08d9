"""Finding what looks like a key, before others can."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_LOOKS = re.compile(
    r"\b(?:sk|pk|xai|gsk|hf)-[A-Za-z0-9_-]{12,}"  # OpenAI's form, and those who took it over
    r"|\b(?:gsk|hf|sk|pk|rk|ghp|gho|ghs|glpat)_(?:live_|test_)?[A-Za-z0-9]{16,}"
    r"|\bgithub_pat_\w{20,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bAIza[\w-]{30,}"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{12,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|://[^/\s:@'\"]+:[^/\s:@'\"]+@"
)
_SECRET_NAME = re.compile(r"(?:_|\b)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_LEAST = 8
"""Characters below which a variable's value stands in a text by accident."""


def key_in(text: str, known: Collection[str] = ()) -> str | None:
    """The beginning of the first thing that looks like a key or is one that is known; or None."""
    hit = _LOOKS.search(text)
    found = hit.group() if hit else next((value for value in known if value in text), None)
    return None if found is None else f"{found[:4]}…"


def keys_of(env: Mapping[str, str]) -> set[str]:
    """Values of an environment's variables that are called keys, tokens, secrets or passwords, and are no paths."""
    named = (value for name, value in env.items() if _SECRET_NAME.search(name))
    return {value for value in named if len(value) >= _LEAST and not value.startswith("/")}
