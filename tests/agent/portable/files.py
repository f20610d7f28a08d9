"""Exported files to look at, to damage and to import again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from kernelwright.agent.portable.exporting import export_campaign
from kernelwright.agent.portable.format import PARTS, checksum
from kernelwright.agent.portable.importing import bundle_from, import_campaign
from kernelwright.agent.portable.paths import Machine
from kernelwright.agent.record import Record
from kernelwright.agent.store import Store
from sample_campaigns import fill

NOWHERE = Machine()
"""A machine of which nothing is known, so that what a test says alone decides."""

Data = dict[str, Any]


def exported(store: Store, campaign: str) -> bytes:
    return export_campaign(store, campaign, NOWHERE, {}).data


def file_of(folder: Path, record: Record) -> bytes:
    """A record's file, by way of a store of its own."""
    with Store.open(folder / f"of-{record.campaign.id}.db") as store:
        fill(store, record)
        return exported(store, record.campaign.id)


def sealed(data: Data) -> bytes:
    """Data as a file again, with a checksum that is right: what somebody writes who means harm."""
    if all(part in data for part in PARTS):
        data = {**data, "sha256": checksum(data)}
    return json.dumps(data).encode()


def taken_in(path: Path, content: bytes) -> str:
    """Import the content into the store at that path; its campaign."""
    file = path.with_name("file.json")
    file.write_bytes(content)
    bundle = bundle_from(file)
    with Store.open(path) as store:
        return import_campaign(store, bundle).campaign


def as_imported(record: Record) -> Record:
    """A record as it stands in a store that took it from a file."""
    marked = record.campaign.model_copy(update={"imported": len(record.attempts)})
    return record.model_copy(update={"campaign": marked})


def dump(path: Path) -> list[str]:
    """A store's logical content."""
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def holds(whole: Any, part: Any) -> bool:
    """Whether data say all that other data say, with the same types."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(k in whole and holds(whole[k], v) for k, v in part.items())
    if isinstance(part, list):
        same = isinstance(whole, list) and len(whole) == len(part)
        return same and all(holds(a, b) for a, b in zip(whole, part, strict=True))
    return type(whole) is type(part) and bool(whole == part)
