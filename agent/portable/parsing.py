"""A stranger's bytes to plain data: a limit on everything that can be large, and JSON without loopholes."""

from __future__ import annotations

import json
import math
import os
import re
import stat
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from .format import PortableError

BYTES_MAX = 512 * 2**20
"""Of the file, and of what it unpacks to."""

VALUES_MAX = 8_000_000
"""Objects, lists and their entries; a thousand attempts have about a million."""

DEPTH_MAX = 64
INTEGER_MAX = 2**64
CHUNK = 2**20
_GZIP = b"\x1f\x8b"
# A string without an end reaches to the file's: to try again at each of its quotes would take hours.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1, b",": 0}


def read_file(path: Path) -> bytes:
    """A plain file's content, unpacked when it is gzip; raises `PortableError`."""
    try:
        # Without O_NONBLOCK a FIFO would keep us waiting before we could see that it is one.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PortableError(f"'{path}' is no plain file: name one that `kernelwright export` wrote")
            return unpacked(iter(lambda: file.read(CHUNK), b""))
    except FileNotFoundError:
        raise PortableError(f"there is no file '{path}': check the path") from None
    except IsADirectoryError:
        raise PortableError(
            f"'{path}' is a directory: name a file that `kernelwright export` wrote"
        ) from None
    except (OSError, ValueError) as problem:
        if isinstance(problem, PortableError):
            raise
        why = getattr(problem, "strerror", None) or problem
        raise PortableError(f"'{path}' cannot be read: {why}") from None


def unpacked(chunks: Iterator[bytes]) -> bytes:
    """The chunks in one piece, decompressed when they begin as gzip does; raises `PortableError`."""
    data = bytearray()
    first = next(chunks, b"")
    packed = first.startswith(_GZIP)
    engine = zlib.decompressobj(wbits=31)
    for chunk in _with(first, chunks):
        if packed:
            chunk = _inflate(engine, chunk, BYTES_MAX + 1 - len(data))
        data += chunk
        if len(data) > BYTES_MAX:
            raise PortableError(
                f"the file holds more than {BYTES_MAX // 2**20} MB: no campaign is that large"
            )
    if packed and not engine.eof:
        raise PortableError("the file is cut off: its compressed data end too early; get it again")
    if engine.unused_data:
        raise PortableError("the file is damaged: something follows its compressed data; get it again")
    return bytes(data)


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _inflate(engine: Any, chunk: bytes, room: int) -> bytes:
    try:
        return bytes(engine.decompress(chunk, room)) if not engine.eof else _surplus(chunk)
    except zlib.error:
        raise PortableError("the file is damaged: its compressed data are broken; get it again") from None


def _surplus(chunk: bytes) -> bytes:
    if chunk:
        raise PortableError("the file is damaged: something follows its compressed data; get it again")
    return chunk


def parsed(data: bytes) -> Any:
    """Strict JSON: no duplicate keys, no NaN, no number that is out of range; raises `PortableError`."""
    _check_shape(data)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except PortableError:
        raise
    except UnicodeDecodeError:
        raise PortableError("the file is not UTF-8 text, so it is no exported campaign") from None
    except (ValueError, RecursionError) as problem:
        raise PortableError(_not_json(problem)) from None


def _not_json(problem: Exception) -> str:
    place = f" (line {problem.lineno})" if isinstance(problem, json.JSONDecodeError) else ""
    return f"the file is not JSON{place}: it is damaged, cut off, or no exported campaign"


def _check_shape(data: bytes) -> None:
    """Before anything is built from it: how deep it nests and how many values it holds."""
    depth = values = 0
    for token in _TOKEN.finditer(data):
        step = _STEPS.get(token.group())
        if step is None:
            continue
        depth, values = depth + step, values + 1
        if depth > DEPTH_MAX:
            raise PortableError(f"the file nests deeper than {DEPTH_MAX} levels: no campaign does")
        if values > VALUES_MAX:
            raise PortableError(f"the file holds more than {VALUES_MAX} values: no campaign is that large")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise PortableError(
            f"the file says '{twice[:80]}' twice in one place: it was not written by an export"
        )
    return found


def _constant(name: str) -> NoReturn:
    raise PortableError(f"the file holds {name}, which is no JSON: it was not written by an export")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise PortableError(f"the file holds a number that is too large: {digits[:40]}")
    return value


def _int(digits: str) -> int:
    if len(digits) > 21 or abs(int(digits)) >= INTEGER_MAX:
        raise PortableError(f"the file holds a number that is too large: {digits[:40]}")
    return int(digits)
