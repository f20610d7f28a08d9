"""Finding what looks like a key, before others can."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_MIXED = r"(?=[a-z._-]*[0-9A-Z])"
"""Nobody's key is all small letters; words with hyphens between them are."""
FORMS = (
    # OpenAI's form, and who took it over
    (r"(?:k|i|f|xox[abp])-", rf"\b(?:sk|pk|xai|gsk|hf|nvapi|xox[abp])-{_MIXED}[A-Za-z0-9_-]{{12,}}"),
    (
        r"_(?:live_|test_)?[A-Za-z0-9]{16}",
        r"\b(?:gsk|hf|sk|pk|rk|r8|ghp|gho|ghs|glpat)_(?:live_|test_)?[A-Za-z0-9]{16,}",
    ),
    (r"github_pat_", r"\bgithub_pat_\w{20,}"),
    (r"A(?:KI|SI)A", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    (r"AIza", r"\bAIza[\w-]{30,}"),
    (r"eyJ", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."),  # a JSON web token
    (r"earer\s", rf"\b[Bb]earer\s+{_MIXED}[A-Za-z0-9._~+/=-]{{12,}}"),
    (r"-----BEGIN ", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    (r"://", r"://[^/\s:@'\"]+:[^/\s:@'\"]+@"),
    (r"[?&]", r"[?&](?:api[-_]?key|key|access_token|token|sig|secret|password)=[\w.~%+/-]{8,}"),
)
"""How a key looks, behind what each of that form contains: to look for that alone takes a tenth of the time."""
_LOOKS = [(re.compile(part), re.compile(form)) for part, form in FORMS]
_SECRET_NAME = re.compile(
    r"(?:_|\b)(?:API_?KEY|KEY|TOKEN|SECRET|(?:PG)?PASSWORD|PASSWD|CREDENTIALS?)(?:_?\d+)?$", re.IGNORECASE
)
_LEAST = 8
"""Characters below which a variable's value stands in a text by accident."""


def key_in(text: str, known: Collection[str] = ()) -> str | None:
    """The beginning of the first thing that looks like a key or is one that is known; or None."""
    hits = [hit for part, form in _LOOKS if part.search(text) and (hit := form.search(text))]
    first = min(hits, key=re.Match.start, default=None)
    found = first.group() if first else next((value for value in known if value in text), None)
    return None if found is None else f"{found[:4]}…"


def keys_of(env: Mapping[str, str]) -> set[str]:
    """Values of an environment's variables that are called keys, tokens, secrets or passwords, and are no paths."""
    named = (value for name, value in env.items() if _SECRET_NAME.search(name))
    return {value for value in named if len(value) >= _LEAST and not value.startswith("/")}
