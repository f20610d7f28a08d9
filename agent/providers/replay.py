"""Replies that are already there: those of one campaign, found by the prompt's hash, or a folder's in order.

None keeps a cursor, so a resumed campaign gets the reply that it would have got without the break: the
attempt's number, the sample's, or the number of replies that the campaign already has, says which.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path

from ..record import Attempt, Record, Reply
from ..replaying.fork import unanswered
from ..replaying.source import Source, answered
from .base import NothingToPropose, ProviderMisconfigured, ReplayMiss, Request

MAX_REPLY_BYTES = 4_000_000
_MAX_DIFF_LINES = 60
_MAX_LINE = 200
_MAX_COMPARED = 200


class ReplayProvider:
    """Stored replies by prompt."""

    name = "replay"
    model = "replay"

    def __init__(self, replies: Callable[[str, int], Reply | None], prompts: Callable[[], list[str]]) -> None:
        """``replies`` gives the reply to that sample (from 0) of a prompt; ``prompts`` all prompts."""
        self._replies = replies
        self._prompts = prompts

    def ask(self, request: Request) -> Reply:
        """The reply as it was stored; raises ReplayMiss with a diff to the nearest stored prompt."""
        reply = self._replies(request.prompt, request.sample)
        if reply is None:
            raise ReplayMiss(self._miss(request))
        return reply

    def _miss(self, request: Request) -> str:
        if request.sample and self._replies(request.prompt, 0):
            return f"the record holds fewer than {request.sample + 1} replies to this prompt: lower --samples"
        nearest = nearest_prompt(request.prompt, self._prompts())
        if nearest is None:
            return "the record holds no prompt at all, so there is no reply to replay: name another record"
        diff = prompt_diff(nearest, request.prompt)
        return (
            f"the record holds no reply to this prompt; against the nearest stored one it differs so:\n{diff}"
        )


class PathReplayProvider:
    """The replies of one campaign, on the same way through it."""

    name = "replay"
    model = "replay"

    def __init__(self, source: Source, again: Callable[[], Record], by_place: bool = False) -> None:
        """``again`` gives the campaign that asks, as it is stored.

        With ``by_place`` a prompt that the record lacks gets the reply of the attempt of the same number and
        stage: where kernels are judged anew, the figures in the prompts are new too.
        """
        self._source = source
        self._again = again
        self._by_place = by_place

    def ask(self, request: Request) -> Reply:
        """The reply as it was stored; raises `ReplayMiss` that shows where the path forks."""
        campaign, _, number = request.attempt.partition(".")
        found = self._source.answer(request.prompt, campaign, int(number), request.sample)
        found = found or (self._at(int(number), request.stage.name) if self._by_place else None)
        if found is None:
            nearest = nearest_prompt(request.prompt, self._source.prompts())
            raise ReplayMiss(unanswered(self._source, self._again(), request.prompt, nearest))
        if found.reply is not None:
            return found.reply
        raise NothingToPropose(found.decision.reason if found.decision else "nothing was proposed")

    def _at(self, number: int, stage: str) -> Attempt | None:
        there = self._source.at(number)
        return there if there and there.stage == stage and there.prompt_sha and answered(there) else None


class FolderReplayProvider:
    """A folder of reply files, the first for the first question, and so on."""

    name = "replay"
    model = "replay"

    def __init__(self, folder: Path) -> None:
        """Files named ``*.reply.md`` count if there are any, else all that are not hidden and no prompts.

        Their order is that of their names, with numbers compared as numbers. Raises ProviderMisconfigured.
        """
        self.folder = folder
        try:
            self._files = reply_files(folder)
        except OSError as error:
            raise ProviderMisconfigured(
                f"the folder of replies {folder} cannot be read ({error.strerror}): name one that can"
            ) from None

    def ask(self, request: Request) -> Reply:
        """The file at the place ``request.answered``; raises ReplayMiss behind the last one."""
        if request.answered >= len(self._files):
            raise ReplayMiss(
                f"{self.folder} holds {len(self._files)} replies and the campaign asks for number "
                f"{request.answered + 1}: add a file, or allow fewer rounds"
            )
        path = self._files[request.answered]
        return Reply(text=_read(path), provider=self.name, model=self.model, parameters={"file": path.name})


def reply_files(folder: Path) -> list[Path]:
    """The reply files of a folder, in order; raises OSError."""
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    replies = [path for path in files if path.name.endswith(".reply.md")]
    chosen = replies or [path for path in files if not path.name.endswith(".prompt.md")]
    return sorted(chosen, key=lambda path: _natural(path.name))


def nearest_prompt(prompt: str, stored: list[str]) -> str | None:
    """The stored prompt that shares most lines with this one, of the last 200; None when there is none."""
    lines = prompt.splitlines()
    matcher = difflib.SequenceMatcher(a=lines, b=lines)
    best, best_ratio = None, -1.0
    for candidate in stored[-_MAX_COMPARED:]:
        matcher.set_seq1(candidate.splitlines())
        if matcher.quick_ratio() > best_ratio and (ratio := matcher.ratio()) > best_ratio:
            best, best_ratio = candidate, ratio
    return best


def prompt_diff(stored: str, asked: str) -> str:
    """A unified diff of at most 60 lines, each cut at 200 characters."""
    lines = list(
        difflib.unified_diff(
            stored.splitlines(), asked.splitlines(), "stored prompt", "this prompt", lineterm="", n=1
        )
    )
    shown = [line if len(line) <= _MAX_LINE else line[:_MAX_LINE] + "…" for line in lines[:_MAX_DIFF_LINES]]
    if len(lines) > _MAX_DIFF_LINES:
        shown.append(f"… {len(lines) - _MAX_DIFF_LINES} more lines")
    return "\n".join(shown) or "(the texts differ in line ends only)"


def _natural(name: str) -> list[tuple[int, str]]:
    """Key by which ``c.10`` follows ``c.9``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_REPLY_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ProviderMisconfigured(
            f"the reply {path} is no readable UTF-8 text: mend or remove it"
        ) from None
    if len(data) > MAX_REPLY_BYTES:
        raise ProviderMisconfigured(f"the reply {path} is larger than {MAX_REPLY_BYTES} bytes: remove it")
    return text
