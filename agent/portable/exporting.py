"""From a store to a file's bytes."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kernelwright.evaluator.phases import sha256_of

from ..store import Store
from .checking import bundle_of
from .format import Bundle, PortableError, as_data, campaign_data, rewritten, strings, texts_named, written
from .keys import key_in, keys_of
from .parsing import parsed
from .paths import Machine, Replacing, replacing, this_machine
from .settings import left_behind

PREFIX = 12
"""Digits by which prompts call a kernel."""


@dataclass(frozen=True)
class Exported:
    """What stands in the file, and what was replaced on the way there."""

    data: bytes
    attempts: int
    texts: int
    replaced: dict[tuple[str, str], int]
    """How often by (what, by what)."""


def export_campaign(
    store: Store, campaign: str, machine: Machine | None = None, env: Mapping[str, str] = os.environ
) -> Exported:
    """A campaign as a file's bytes; raises `PortableError` for one that holds a key, and `StoreError`.

    What is returned was read back and checked as an import does it.
    """
    return packed(bundle_in(store, campaign), machine or this_machine(store.path), env)


def packed(bundle: Bundle, machine: Machine, env: Mapping[str, str]) -> Exported:
    """A bundle as a file's bytes, as `export_campaign` says. Pure."""
    data = as_data(bundle)
    swap = replacing(data, machine)
    data["campaign"] = campaign_data(left_behind(bundle.record.campaign))
    data = _replaced(data, swap)
    _refuse_keys(data, env)
    content = written(data)
    _check_readable(content)
    return Exported(content, len(data["attempts"]), len(data["texts"]), dict(swap.counts))


def compressed(data: bytes) -> bytes:
    """The same bytes for the same data: no time and no name in the header."""
    return gzip.compress(data, mtime=0)


def bundle_in(store: Store, campaign: str) -> Bundle:
    """A campaign and its texts as they are at one moment; raises `StoreError`."""
    with store.one_moment():
        record = store.record(campaign)
        return Bundle(record, {sha: store.text(sha) for sha in texts_named(record)})


def _replaced(data: dict[str, Any], swap: Replacing) -> dict[str, Any]:
    """The data with every string and text swapped; texts that changed get their new hashes everywhere."""
    texts = {sha: swap(text) for sha, text in data["texts"].items()}
    moved = {sha: sha256_of(text) for sha, text in texts.items() if text != data["texts"][sha]}
    prefixes = {old[:PREFIX]: new[:PREFIX] for old, new in moved.items()}

    def renamed(text: str) -> str:
        for old, new in prefixes.items():
            text = text.replace(old, new)
        return text

    texts = {sha: renamed(text) for sha, text in texts.items()}
    final = {sha: sha256_of(text) for sha, text in texts.items()}

    def string(found: str, often: int) -> str:
        return final.get(found) or renamed(swap(found, often))

    campaign, *attempts = rewritten([data["campaign"], *data["attempts"]], string)
    texts = {final[sha]: text for sha, text in texts.items()}
    return {"campaign": campaign, "attempts": attempts, "texts": texts}


def _refuse_keys(data: dict[str, Any], env: Mapping[str, str]) -> None:
    known = keys_of(env)
    said = {*strings([data["campaign"], *data["attempts"]]), *data["texts"].values()}
    keys = {text: key for text in said if (key := key_in(text, known))}
    for where, found in _places(data) if keys else ():
        if found in keys:
            raise PortableError(
                f"{where} holds what looks like an API key ('{keys[found]}'), and a campaign with a key in it is "
                "not exported: revoke that key if it is one"
            )


def _check_readable(content: bytes) -> None:
    try:
        bundle_of(parsed(content))
    except PortableError as problem:
        raise PortableError(
            f"the campaign cannot be exported, since no import would take it: {problem}"
        ) from None


def _places(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every string with where it stands; a text is of the first attempt that names it."""
    yield from (("the campaign itself", found) for found in strings([data["campaign"]]))
    for attempt in data["attempts"]:
        reply = (attempt["reply"] or {}).get("text_sha")
        for what, sha in (
            ("prompt", attempt["prompt_sha"]),
            ("reply", reply),
            ("kernel", attempt["kernel_sha"]),
        ):
            if sha is not None:
                yield f"the {what} of attempt {attempt['id']}", data["texts"][sha]
        yield from ((f"attempt {attempt['id']}", found) for found in strings([attempt]))
    seed = data["campaign"]["settings"]["seed"]
    yield from [("the seed kernel", data["texts"][seed])] if seed else []
