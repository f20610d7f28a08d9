"""How it went, in one word that a page can give a colour."""

from __future__ import annotations

from ..record import Attempt
from ..rules.lineage import failed


def tone(attempt: Attempt) -> str:
    """``good``, ``bad``, ``quiet`` (not better, or nothing to judge) or ``open``."""
    if not attempt.done:
        return "open"
    if attempt.decision and attempt.decision.accepted:
        return "good"
    return "bad" if failed(attempt) else "quiet"
