"""A record as far as it can be read: a lost reply or a brief that fits no more takes nothing else with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ..record import Attempt, Record
from ..store import Store, StoreError
from ..store.mapping import parsed


@dataclass(frozen=True)
class Salvaged:
    """What could be read, and by attempt what could not."""

    record: Record
    replies: dict[str, str] = field(default_factory=dict)
    """Attempt → what is wrong with its reply, whose text is empty or not what it was."""
    briefs: dict[str, str] = field(default_factory=dict)
    """Attempt → what is wrong with its brief, which is left out."""


def salvage(store: Store, campaign_id: str) -> Salvaged:
    """Read a campaign; raises `StoreError` where more is damaged than a reply or a brief."""
    with store.one_moment():
        found = Salvaged(Record(campaign=store.campaign(campaign_id), attempts=[]))
        rows = store.attempt_rows(campaign_id)
    for data, reply in rows:
        fields = parsed(data)
        if isinstance(fields.get("reply"), dict):
            _fill_in(fields, reply, found)
        found.record.attempts.append(_attempt(fields, found))
    return found


def _fill_in(fields: dict[str, Any], reply: bytes | None, found: Salvaged) -> None:
    """Put the reply's text in the place of its hash, or what is left of it."""
    sha = fields["reply"].pop("text_sha", None)
    whole = reply is not None and hashlib.sha256(reply).hexdigest() == sha
    fields["reply"]["text"] = (reply or b"").decode("utf-8", "surrogatepass" if whole else "replace")
    if not whole:
        what = "missing from the store" if reply is None else "not what was stored"
        found.replies[str(fields.get("id"))] = f"its reply cannot be read: text {sha} is {what}"


def _attempt(fields: dict[str, Any], found: Salvaged) -> Attempt:
    """The attempt, without its brief where that is what does not fit."""
    name = str(fields.get("id"))
    try:
        return Attempt.model_validate(fields)
    except ValidationError as problem:
        place = problem.errors()[0]["loc"]
        where = ".".join(str(part) for part in place)
        if place[0] != "brief":
            raise StoreError(
                f"attempt {name} does not fit this version of kernelwright (field '{where}'): upgrade kernelwright"
            ) from problem
    found.briefs[name] = f"its brief does not fit this version of kernelwright (field '{where}')"
    return _attempt({**fields, "brief": None}, found)
