"""Between the record's models and the rows of the store."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from kernelwright.evaluator.phases import sha256_of
from pydantic import BaseModel, ValidationError

from ..answer import Answer
from ..record import Attempt
from .errors import StoreError

Model = TypeVar("Model", bound=BaseModel)
Replied = TypeVar("Replied", Attempt, Answer)


def to_bytes(text: str) -> bytes:
    """UTF-8, in which even a lone surrogate of a broken reply survives."""
    return text.encode("utf-8", "surrogatepass")


def from_bytes(data: bytes) -> str:
    """The inverse of `to_bytes`."""
    return data.decode("utf-8", "surrogatepass")


def to_json(model: BaseModel) -> str:
    """JSON in ASCII that keeps NaN, infinities and lone surrogates, which pydantic's own would not."""
    return json.dumps(_plain(model))


def from_json(model: type[Model], data: str) -> Model:
    """The model again; raises `StoreError` when a newer version wrote fields that this one doesn't know."""
    return _validated(model, parsed(data))


def parsed(data: str) -> dict[str, Any]:
    """A row's JSON object; raises `StoreError` for anything else, which only damage leaves."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError, TypeError):
        found = None
    if not isinstance(found, dict):
        raise StoreError("a row of the store is damaged: save a copy, and restore one from before")
    return found


def replied_to_json(model: Attempt | Answer) -> str:
    """An attempt or answer with the hash of its reply in the place of the reply's text."""
    data = _plain(model)
    if model.reply is not None:
        del data["reply"]["text"]
        data["reply"]["text_sha"] = sha256_of(model.reply.text)
    return json.dumps(data)


def replied_from_json(
    model: type[Replied], data: str, reply: bytes | None, without: frozenset[str] = frozenset()
) -> Replied:
    """The attempt or answer again, with the reply's text filled in; fields ``without`` are left empty."""
    fields = parsed(data)
    if isinstance(fields.get("reply"), dict) and reply is not None:
        fields["reply"].pop("text_sha", None)
        fields["reply"]["text"] = from_bytes(reply)
    return _validated(model, {name: value for name, value in fields.items() if name not in without})


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)


def _validated(model: type[Model], fields: object) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"])
        raise StoreError(
            f"a stored {model.__name__.lower()} does not fit this version of kernelwright (field '{where}'): "
            "upgrade kernelwright"
        ) from problem
