"""Finding what looks like a key, before others can."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_MIXED = r"(?=[a-z._-]*[0-9A-Z])"
"""Nobody's key is all small letters; words with hyphens between them are."""
_LOOKS = re.compile(
    rf"\b(?:sk|pk|xai|gsk|hf|nvapi|xox[abp])-{_MIXED}[A-Za-z0-9_-]{{12,}}"  # OpenAI's form, and who took it over
    r"|\b(?:gsk|hf|sk|pk|rk|r8|ghp|gho|ghs|glpat)_(?:live_|test_)?[A-Za-z0-9]{16,}"
    r"|\bgithub_pat_\w{20,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."  # a JSON web token
    rf"|\b[Bb]earer\s+{_MIXED}[A-Za-z0-9._~+/=-]{{12,}}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|://[^/\s:@'\"]+:[^/\s:@'\"]+@"
    r"|[?&](?:api[-_]?key|key|access_token|token|sig|secret|password)=[\w.~%+/-]{8,}"
)
_SECRET_NAME = re.compile(
    r"(?:_|\b)(?:API_?KEY|KEY|TOKEN|SECRET|(?:PG)?PASSWORD|PASSWD|CREDENTIALS?)(?:_?\d+)?$", re.IGNORECASE
)
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
