"""Short names: how they are drawn, and how a prefix finds one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from .errors import StoreError

LETTERS = "abcdefghjkmnpqrstuvwxyz"  # without i, l and o, which look like digits
ALPHABET = LETTERS + "23456789"
SHOWN = 8


def new_id(taken: Callable[[str], bool]) -> str:
    """A campaign id of four characters, or of up to six when the shorter ones are taken."""
    for length in (4, 4, 4, 5, 5, 5):
        name = _draw(length)
        if not taken(name):
            return name
    return _draw(6)


def _draw(length: int) -> str:
    return secrets.choice(LETTERS) + "".join(secrets.choice(ALPHABET) for _ in range(length - 1))


def resolve(kind: str, prefix: str, ids: Sequence[str]) -> str:
    """The id that is the prefix, or the only one that begins with it; raises `StoreError`."""
    if prefix in ids:
        return prefix
    found = [name for name in ids if name.startswith(prefix)] if prefix else []
    if len(found) == 1:
        return found[0]
    if found:
        raise StoreError(f"{kind} '{prefix}' is ambiguous: choose one of {_some(found)}")
    if not ids:
        raise StoreError(f"there is no {kind} '{prefix}': there is none yet, begin with `kernelwright run`")
    raise StoreError(f"there is no {kind} '{prefix}': choose one of {_some(ids)}")


def of_campaign(campaign: str, attempts: Sequence[str]) -> list[str]:
    """Those attempts that are the campaign's."""
    return [attempt for attempt in attempts if attempt.startswith(f"{campaign}.")]


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:SHOWN])
    return shown if len(ids) <= SHOWN else f"{shown}, … ({len(ids)} in all)"
