"""A record as far as it can be read: a lost reply or a brief that fits no more takes nothing else with it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from pydantic import ValidationError

from ..brief import Brief
from ..record import Attempt, Campaign, Record
from ..store import Store, StoreError


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
    found = Salvaged(Record(campaign=_campaign(store, campaign_id), attempts=[]))
    for data, reply in store.attempt_rows(campaign_id):
        found.record.attempts.append(_attempt(json.loads(data), reply, found))
    return found


def _campaign(store: Store, campaign_id: str) -> Campaign:
    known = {campaign.id: campaign for campaign in store.campaigns()}
    if campaign_id not in known:
        raise StoreError(f"there is no campaign '{campaign_id}'")
    return known[campaign_id]


def _attempt(fields: dict[str, object], reply: bytes | None, found: Salvaged) -> Attempt:
    name = str(fields["id"])
    if isinstance(fields["reply"], dict):
        sha = fields["reply"].pop("text_sha")
        fields["reply"]["text"] = (reply or b"").decode(
            "utf-8", "surrogatepass" if _is(reply, sha) else "replace"
        )
        if not _is(reply, sha):
            what = "missing from the store" if reply is None else "not what was stored"
            found.replies[name] = f"its reply cannot be read: text {sha} is {what}"
    try:
        Brief.model_validate(fields["brief"]) if fields["brief"] is not None else None
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"])
        found.briefs[name] = f"its brief does not fit this version of kernelwright (field '{where}')"
        fields["brief"] = None
    try:
        return Attempt.model_validate(fields)
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"])
        raise StoreError(
            f"attempt {name} does not fit this version of kernelwright (field '{where}'): upgrade kernelwright"
        ) from problem


def _is(data: bytes | None, sha: object) -> bool:
    return data is not None and hashlib.sha256(data).hexdigest() == sha
