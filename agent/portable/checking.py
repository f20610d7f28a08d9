"""From a file's data to a bundle: nothing is believed that does not fit together. Pure."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from kernelwright.evaluator.phases import sha256_of
from pydantic import BaseModel, ValidationError

from ..record import Attempt, Campaign, Record
from ..store.mapping import replied_to_json, to_json
from ..views.text import one_line
from .format import FORMAT, NOT_FINITE, PARTS, VERSION, Bundle, PortableError, checksum, spoken
from .sound import check_sound, shown

_Model = TypeVar("_Model", bound=BaseModel)


def bundle_of(whole: Any) -> Bundle:
    """The campaign in a parsed file; raises `PortableError` with the first thing that does not fit."""
    parts = _parts(whole)
    texts = _texts(parts["texts"])
    data = {"campaign": parts["campaign"], "attempts": parts["attempts"]}
    if NOT_FINITE in json.dumps(data):
        _check_numbers(data)
        data = spoken(data)
    campaign = _campaign(data["campaign"])
    attempts = [
        _attempt(each, number, texts) for number, each in enumerate(_list(data["attempts"], "attempts"))
    ]
    record = Record(campaign=campaign, attempts=attempts)
    check_sound(record, texts)
    return Bundle(record, texts)


def _check_numbers(value: Any, where: str = "the file") -> None:
    """Numbers that are not finite belong among a kernel's constants and metrics and a reply's parameters."""
    if isinstance(value, dict):
        if NOT_FINITE in value:
            raise PortableError(f"{where} holds a number that is not finite")
        for key, each in value.items():
            if key not in ("config", "metrics", "parameters"):
                _check_numbers(each, shown(key))
    elif isinstance(value, list):
        for each in value:
            _check_numbers(each, where)


def _parts(whole: Any) -> dict[str, Any]:
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise PortableError("the file is no exported campaign: name one that `kernelwright export` wrote")
    version = whole.get("version")
    if type(version) is int and version > VERSION:
        raise PortableError(
            f"the file was written by a newer kernelwright (format {version}, this one knows {VERSION}): "
            "upgrade kernelwright"
        )
    if type(version) is not int or version != VERSION:
        raise PortableError(f"the file has no format that kernelwright ever wrote: {shown(version)}")
    if set(whole) != {"format", "version", "sha256", *PARTS}:
        odd = set(whole) ^ {"format", "version", "sha256", *PARTS}
        raise PortableError(f"the file lacks a part or has one too many: {shown(min(odd))}")
    if whole["sha256"] != checksum(whole):
        raise PortableError("the file is damaged: its checksum is not that of its content; get it again")
    return whole


def _texts(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise PortableError("the file's texts are no object of lines by hash")
    return {sha: _text(sha, lines) for sha, lines in found.items()}


def _text(sha: str, lines: Any) -> str:
    if not _strings(lines) or not lines or any("\n" in line for line in lines):
        raise PortableError(f"text {shown(sha)} is no list of lines")
    text = "\n".join(lines)
    if sha256_of(text) != sha:
        raise PortableError(f"text {shown(sha)} is not what its hash says: the file is damaged; get it again")
    return text


def _strings(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def _list(found: Any, what: str) -> list[Any]:
    if not isinstance(found, list):
        raise PortableError(f"the file's {what} are no list")
    return found


def _campaign(fields: Any) -> Campaign:
    campaign = _model(Campaign, fields, "campaign")
    _compare(fields, json.loads(to_json(campaign)), "campaign")
    return campaign


def _attempt(fields: Any, number: int, texts: dict[str, str]) -> Attempt:
    where = f"attempts.{number}"
    filled = dict(fields) if isinstance(fields, dict) else fields
    if isinstance(filled, dict) and isinstance(filled.get("reply"), dict):
        filled["reply"] = _reply(filled["reply"], where, texts)
    attempt = _model(Attempt, filled, where)
    known = replied_to_json(attempt)
    if json.dumps(fields) != known:  # as it is unless an earlier version or another hand wrote the file
        _compare(fields, json.loads(known), where)
    return attempt


def _reply(fields: dict[str, Any], where: str, texts: dict[str, str]) -> dict[str, Any]:
    sha = fields.get("text_sha")
    if not isinstance(sha, str) or sha not in texts:
        raise PortableError(f"{where}.reply names a text that is not in the file: {shown(sha)}")
    rest = {key: value for key, value in fields.items() if key != "text_sha"}
    return {**rest, "text": texts[sha]} if "text" not in rest else rest | {"text and text_sha": None}


def _model(kind: type[_Model], fields: Any, where: str) -> _Model:
    try:
        return kind.model_validate(fields)
    except (ValidationError, OverflowError, RecursionError) as problem:
        raise PortableError(_misfit(problem, where)) from None


def _misfit(problem: Exception, where: str) -> str:
    if not isinstance(problem, ValidationError):
        return f"{where} holds a value that is out of range"
    first = problem.errors(include_url=False, include_input=False)[0]
    place = one_line(".".join([where, *map(str, first["loc"])]), 120)
    if first["type"] == "extra_forbidden":
        return f"{place} is a field that this kernelwright does not know: upgrade kernelwright"
    message = one_line(first["msg"], 160)
    return f"{place} does not fit: {message[:1].lower()}{message[1:]}"


def _compare(found: Any, known: Any, where: str) -> None:
    """Whether all that a file says is kept as it says it; what it leaves out has its default."""
    if isinstance(found, dict) and isinstance(known, dict):
        for key, value in found.items():
            if key not in known:
                raise PortableError(f"{one_line(f'{where}.{key}', 120)} does not belong there")
            _compare(value, known[key], f"{where}.{key}")
    elif isinstance(found, list) and isinstance(known, list) and len(found) == len(known):
        for place, (left, right) in enumerate(zip(found, known, strict=True)):
            _compare(left, right, f"{where}.{place}")
    elif type(found) is not type(known) or repr(found) != repr(known):
        raise PortableError(f"{one_line(where, 120)} is not as kernelwright writes it: {shown(found)}")
