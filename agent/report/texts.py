"""The long texts of a page: named by key, made when they are wanted, packed so that many fit into one file.

A page of a thousand attempts holds some fifty megabytes of prompts, replies, kernels and diffs, most of
which resemble their neighbours. They are kept apart from what the page shows at once, and nobody
pays for one that is never opened.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..record import Attempt, Record
from ..views.compare import code_diff
from ..views.lineage import state
from ..views.text import plain

Text = Callable[[str], str]
"""The stored text (kernel or prompt) of that SHA-256."""

LONGEST = 300_000
"""Characters of one text that a page shows; a prompt has some 20,000."""
DIFF_LINES_MAX = 5_000
"""Lines of the longer side that a diff is made for: its time grows with their square."""
BLOCK_BYTES = 1 << 19
"""Bytes that are packed, and unpacked in a browser, at once."""


def key_of(*parts: str | None) -> str:
    """A short name for what those parts determine; safe in an address."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def page_key(attempt: Attempt) -> str:
    """Names an attempt's page as it is now: another key once there is more to tell."""
    decision = attempt.decision
    reason = decision.reason if decision else None
    return key_of("page", attempt.id, attempt.kernel_sha, state(attempt), str(attempt.seconds), reason)


def prompt_key(attempt: Attempt) -> str | None:
    """Names the prompt of an attempt that was asked."""
    return key_of("prompt", attempt.prompt_sha) if attempt.prompt_sha else None


def reply_key(attempt: Attempt) -> str | None:
    """Names the reply of an attempt that has one."""
    return key_of("reply", attempt.reply.text) if attempt.reply else None


def code_key(attempt: Attempt) -> str | None:
    """Names the kernel's source."""
    return key_of("code", attempt.kernel_sha) if attempt.kernel_sha else None


def diff_key(attempt: Attempt, parent: Attempt | None) -> str | None:
    """Names the difference between the parent's kernel and the attempt's; None where one has no kernel."""
    if parent is None or not parent.kernel_sha or not attempt.kernel_sha:
        return None
    return key_of("diff", parent.id, parent.kernel_sha, attempt.id, attempt.kernel_sha)


def long_texts(record: Record, text: Text) -> dict[str, Callable[[], str]]:
    """Key → what makes the text; similar ones stand together, which is what packs well."""
    known = {attempt.id: attempt for attempt in record.attempts}
    kinds: list[Callable[[Attempt], tuple[str | None, Callable[[], str]]]] = [
        lambda a: (prompt_key(a), lambda: shown(text(a.prompt_sha or ""))),
        lambda a: (reply_key(a), lambda: shown(a.reply.text if a.reply else "")),
        lambda a: (code_key(a), lambda: shown(text(a.kernel_sha or ""))),
        lambda a: (diff_key(a, known.get(a.parent or "")), lambda: _diff(known[a.parent or ""], a, text)),
    ]
    pairs = (kind(attempt) for kind in kinds for attempt in record.attempts)
    return {key: make for key, make in pairs if key is not None}


def shown(text: str) -> str:
    """The text as a page shows it: invisible and steering characters made visible, an endless one cut."""
    if len(text) <= LONGEST:
        return plain(text)
    return f"{plain(text[:LONGEST])}\n… cut here: {len(text) - LONGEST:,} more characters are in the store"


def _diff(before: Attempt, after: Attempt, text: Text) -> str:
    old, new = text(before.kernel_sha or ""), text(after.kernel_sha or "")
    if max(old.count("\n"), new.count("\n"), len(old) // 100, len(new) // 100) > DIFF_LINES_MAX:
        return "too long to compare"
    return shown(code_diff(old, new, f"{before.id}.py", f"{after.id}.py"))


@dataclass(frozen=True)
class Packed:
    """Texts in compressed blocks, and where each of them lies."""

    blocks: list[str]
    """Base64 of gzip of UTF-8."""
    index: dict[str, tuple[int, int, int]]
    """Key → block, first byte and number of bytes in the unpacked block."""


def pack(texts: Iterable[tuple[str, str]]) -> Packed:
    """Put texts, which hold no lone surrogates, into blocks in the order in which they come."""
    packed = Packed([], {})
    for block in _blocks(texts):
        offset = 0
        for key, data in block:
            packed.index[key] = (len(packed.blocks), offset, len(data))
            offset += len(data)
        whole = gzip.compress(b"".join(data for _, data in block), compresslevel=6, mtime=0)
        packed.blocks.append(base64.b64encode(whole).decode("ascii"))
    return packed


def _blocks(texts: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, bytes]]]:
    block: list[tuple[str, bytes]] = []
    size = 0
    for key, text in texts:
        block.append((key, text.encode()))
        size += len(block[-1][1])
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def unpack(packed: Packed, key: str) -> str:
    """One text again, as the page's script finds it; raises KeyError for an unknown key."""
    block, offset, length = packed.index[key]
    return gzip.decompress(base64.b64decode(packed.blocks[block]))[offset : offset + length].decode()


def made(texts: Mapping[str, Callable[[], str]]) -> Iterator[tuple[str, str]]:
    """Each text with its key, made one after the other."""
    return ((key, make()) for key, make in texts.items())
