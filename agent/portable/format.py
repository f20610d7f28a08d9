"""The file's layout: one JSON object with the record in its own order and every text under its hash."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kernelwright.evaluator.phases import sha256_of

from ..record import Attempt, Campaign, Record
from ..store.mapping import replied_to_json, to_json

FORMAT = "kernelwright campaign"
VERSION = 1
PARTS = ("campaign", "attempts", "texts")
"""What the checksum covers."""

NOT_FINITE = "$float"
"""``{"$float": "-inf"}`` stands for what JSON has no number for."""


class PortableError(ValueError):
    """A campaign cannot be exported, or a file not be imported; the message says why. Nothing was written."""


@dataclass(frozen=True)
class Bundle:
    """A campaign with every text that it names, by SHA-256."""

    record: Record
    texts: dict[str, str]


def texts_named(record: Record) -> dict[str, str]:
    """What every text that a record names is, by SHA-256: ``abcd.3's prompt``."""
    seed = record.campaign.settings.seed
    named = {seed: "the seed kernel"} if seed else {}
    for attempt in record.attempts:
        for sha, what in (
            (attempt.prompt_sha, "prompt"),
            (attempt.kernel_sha, "kernel"),
            (_reply(attempt), "reply"),
        ):
            if sha is not None:
                named.setdefault(sha, f"{attempt.id}'s {what}")
    return named


def _reply(attempt: Attempt) -> str | None:
    return sha256_of(attempt.reply.text) if attempt.reply else None


def as_data(bundle: Bundle) -> dict[str, Any]:
    """The bundle as plain data: ``campaign``, ``attempts``, ``texts``; replies stand among the texts."""
    return {
        "campaign": campaign_data(bundle.record.campaign),
        "attempts": [json.loads(replied_to_json(attempt)) for attempt in bundle.record.attempts],
        "texts": dict(bundle.texts),
    }


def campaign_data(campaign: Campaign) -> dict[str, Any]:
    """The campaign as plain data. Whether it was imported is for each store to say, and no part of it."""
    data: dict[str, Any] = json.loads(to_json(campaign))
    del data["imported"]
    return data


def written(data: dict[str, Any]) -> bytes:
    """The file's bytes, the same for the same data: ASCII, indented, a text's lines one below the other."""
    lines = {sha: text.split("\n") for sha, text in sorted(data["texts"].items())}
    parts = {name: data[name] for name in PARTS} | {"texts": lines}
    try:
        sha = checksum(parts)
    except ValueError:  # a number that is not finite
        parts = _spelled(parts)
        sha = checksum(parts)
    whole = {"format": FORMAT, "version": VERSION, "sha256": sha, **parts}
    return (json.dumps(whole, indent=1, allow_nan=False) + "\n").encode("ascii")


def checksum(parts: dict[str, Any]) -> str:
    """SHA-256 over the parts as they stand in the file, whatever its white space."""
    covered = json.dumps({name: parts[name] for name in PARTS}, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(covered.encode("ascii")).hexdigest()


def spoken(value: Any) -> Any:
    """The inverse of how `written` spells numbers that are not finite."""

    def number(found: dict[str, Any]) -> Any:
        is_number = list(found) == [NOT_FINITE] and found[NOT_FINITE] in ("nan", "inf", "-inf")
        return float(found[NOT_FINITE]) if is_number else found

    return walk(value, of_object=number)


def _spelled(value: Any) -> Any:
    def number(found: Any) -> Any:
        return found if not isinstance(found, float) or math.isfinite(found) else {NOT_FINITE: repr(found)}

    return walk(value, of_leaf=number)


def _same(value: Any) -> Any:
    return value


_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
"""In JSON as `json.dumps` writes it."""


def strings(values: Iterable[Any]) -> Iterator[str]:
    """Every string of some JSON data, keys too, once."""
    found = set[str]()
    for value in values:
        found.update(_STRING.findall(json.dumps(value)))
    return map(json.loads, found)


def rewritten(values: Collection[Any], swap: Callable[[str, int], str]) -> list[Any]:
    """JSON data with every string, keys too, swapped; ``swap`` is asked once for each and told how often it occurs."""
    texts = [json.dumps(value) for value in values]
    often = Counter[str]()
    for text in texts:
        often.update(_STRING.findall(text))
    new = {string: json.dumps(swap(json.loads(string), count)) for string, count in often.items()}
    if all(string == other for string, other in new.items()):
        return list(values)
    return [json.loads(_STRING.sub(lambda hit: new[hit.group()], text)) for text in texts]


def walk(
    value: Any, of_leaf: Callable[[Any], Any] = _same, of_object: Callable[[dict[str, Any]], Any] = _same
) -> Any:
    """Data rebuilt with every leaf, and then every object, replaced by what a function makes of it."""
    if isinstance(value, dict):
        return of_object({key: walk(each, of_leaf, of_object) for key, each in value.items()})
    if isinstance(value, list):
        return [walk(each, of_leaf, of_object) for each in value]
    return of_leaf(value)
