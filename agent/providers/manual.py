"""Replies that a person supplies: the prompt goes to a file, and the reply is read from beside it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..record import Reply
from .base import ProviderMisconfigured, Request, WaitingForReply

MAX_REPLY_BYTES = 4_000_000


class ManualProvider:
    """Waits for ``<attempt>.reply.md`` beside ``<attempt>.prompt.md``."""

    name = "manual"

    def __init__(self, folder: Path, model: str = "manual") -> None:
        """``model`` is what to call whoever answers."""
        self.folder = folder
        self.model = model

    def ask(self, request: Request) -> Reply:
        """The reply when its file is there; raises WaitingForReply, which names both files, when not."""
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", request.attempt)
        prompt = self.folder / f"{stem}.prompt.md"
        reply = self.folder / f"{stem}.reply.md"
        _write(prompt, request.prompt)
        text, problem = _read(reply)
        if text is None:
            raise WaitingForReply(
                f"{problem}: give the prompt in {prompt} to a model and save its reply as {reply}"
            )
        return Reply(text=text, provider=self.name, model=self.model)


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing; leave one alone that already says the same."""
    data = text.encode("utf-8")
    spare = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        spare.write_bytes(data)
        spare.replace(path)
    except OSError as error:
        _remove(spare)
        raise ProviderMisconfigured(
            f"the prompt cannot be written to {path} ({error.strerror}): make that folder writable"
        ) from None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what cannot be removed was most likely never written


def _read(path: Path) -> tuple[str | None, str]:
    """The text, or None and why there is none."""
    try:
        if not path.exists():
            return None, "no reply is there yet"
        if not path.is_file():
            return None, "the reply is not a plain file"
        with path.open("rb") as file:
            data = file.read(MAX_REPLY_BYTES + 1)
        if len(data) > MAX_REPLY_BYTES:
            return None, f"the reply is larger than {MAX_REPLY_BYTES} bytes"
        text = data.decode("utf-8-sig")
    except OSError as error:
        return None, f"the reply cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        return None, "the reply is not UTF-8 text"
    return (text, "") if text.strip() else (None, "the reply is empty")
