"""Each defence in one sentence, and the kernel that shows what gets through when it is switched off."""

from __future__ import annotations

from collections.abc import Sequence

from .defences import Defence


def said(without: Sequence[Defence]) -> list[str]:
    """The warning that every verdict carries which was found without these; none when nothing was switched off."""
    return [f"switched off: {', '.join(without)}"] if without else []
