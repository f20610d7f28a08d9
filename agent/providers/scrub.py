"""Taking keys out of texts that others will read."""

from __future__ import annotations

import re

_KEY = re.compile(r"\b(sk|pk|gsk|xai|hf)[-_][A-Za-z0-9_\-*.]{6,}|\bBearer\s+\S+", re.IGNORECASE)


def scrub(text: str, key: str, least: int = 1) -> str:
    """``text`` without ``key``; in a message (``least`` of 1) without anything that looks like a key either.

    A reply is scrubbed with ``least=8``: of the key itself only, and only when it is too long to stand in a
    kernel by accident, since a reply is otherwise kept as it came.
    """
    if len(key) >= least:
        text = text.replace(key, "[key]")
    return _KEY.sub("[key]", text) if least == 1 else text
