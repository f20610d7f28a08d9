"""What a campaign says about the machine it ran on, and the neutral words that replace it everywhere.

Consistently, also inside prompts, replies and kernels: brief and prompt change together, so a replay still agrees.
"""

from __future__ import annotations

import getpass
import re
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kernelwright.evaluator.gpus import gpus

NEUTRAL = "…/"
"""Stands for the folders; the last name is kept, since it says what the sentence is about."""

SOURCES = ("code", "reference", "reply", "diff")
"""Fields that hold programs or what a model wrote: no place to learn a machine's paths from."""

_EVERYWHERE = ("/dev", "/proc", "/sys")
"""The same on every Linux."""

_SHARED = {"/", "/usr", "/usr/local", "/home", "/opt", "/mnt", "/var", "/srv", *_EVERYWHERE}
"""Folders that name no machine even where a Python lives in them."""

_ORDINARY = {"localhost", "root", "user", "ubuntu"}

_PART = r"[\w.+@~=-]+"
_BARE = re.compile(rf"(?:(?<![\w./…~)\]-])|(?<=\s-[IL])|(?<=file://))/(?:{_PART}/)+{_PART}")
_QUOTED = re.compile(r"""(["'`])(/[^"'`\n/]+/[^"'`\n]+?)\1""")
_API = re.compile(r"\bAPI at ([\w.:\[\]-]*\w)|\bhttps?://([^\s/'\"]+)")
_HOME = re.compile(r"/(?:home|Users)/[^/]+/?")
_DISTINCT = re.compile(r"[\d._-]")


@dataclass(frozen=True)
class Machine:
    """What is known of the machine that exports."""

    folders: tuple[str, ...] = ()
    host: str = ""
    user: str = ""


def this_machine(store: Path) -> Machine:
    """Home, temporary folder, working directory, the store's folder, Python's and the program's own."""
    package = Path(__file__).parents[2]
    named = [
        Path.home(),
        Path(tempfile.gettempdir()),
        Path.cwd(),
        store.absolute().parent,
        Path(sys.prefix),
        package,
    ]
    folders = {str(form) for path in named for form in (path, path.resolve())}
    return Machine(tuple(sorted(folders - _SHARED)), socket.gethostname(), _user())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""


@dataclass
class Replacing:
    """A function from text to text that counts what it replaced."""

    patterns: list[tuple[re.Pattern[str], str | None]]
    """With what to put there; None: the path's neutral form."""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often by (what, by what)."""

    def __call__(self, text: str, often: int = 1) -> str:
        """The text, which stands in that many places, without what names the machine."""
        for pattern, word in self.patterns:
            text = pattern.sub(lambda hit, word=word: self._counted(hit.group(), word, often), text)  # type: ignore[misc]
        return text

    def _counted(self, found: str, word: str | None, often: int) -> str:
        by = neutral(found) if word is None else word
        self.counts[found, by] += often
        return by


def neutral(path: str) -> str:
    """``…/runner.py`` for any path of that name; a home's own name would be its user's."""
    return NEUTRAL + ("~" if _HOME.fullmatch(path) else PurePosixPath(path).name)


def replacing(data: Mapping[str, Any], machine: Machine) -> Replacing:
    """What to replace in the data of a campaign that ran here or elsewhere."""
    sentences = set(_sentences({"campaign": data["campaign"], "attempts": data["attempts"]}))
    settings = data["campaign"]["settings"]
    given = [
        settings[key] for key in ("task", "replay_from") if PurePosixPath(settings[key] or "").is_absolute()
    ]
    paths = {path for sentence in sentences for path in paths_in(sentence)} | set(given)
    patterns: list[tuple[re.Pattern[str], str | None]] = []
    patterns += [(_word(url), "[base URL]") for url in _addresses(data["campaign"])]
    if paths or machine.folders:
        patterns.append((_any_of(paths, machine.folders), None))
    texts = list(data["texts"].values())
    named = [(machine.host, "[host]"), (machine.host.partition(".")[0], "[host]"), (machine.user, "[user]")]
    patterns += [(_name(name), word) for name, word in named if _tells(name, texts)]
    return Replacing(patterns)


def paths_in(sentence: str) -> set[str]:
    """Absolute paths of two names or more; in quotes also such with spaces."""
    found = set(_BARE.findall(sentence)) | {hit[1] for hit in _QUOTED.findall(sentence)}
    return {path for path in found if not path.startswith(tuple(f"{root}/" for root in _EVERYWHERE))}


def _sentences(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, str) and name not in SOURCES:
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _sentences(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _sentences(each, name)


def _addresses(campaign: Mapping[str, Any]) -> list[str]:
    """The base URL, its host, and hosts that the campaign's pause speaks of; the longest first."""
    url = campaign["settings"]["base_url"] or ""
    said = f"{url} {campaign['pause_reason'] or ''}"
    hosts = {first or second for first, second in _API.findall(said)}
    return sorted({url, *hosts} - {""}, key=len, reverse=True)


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])", re.IGNORECASE)


def _name(name: str) -> re.Pattern[str]:
    """Within a sentence: a string that is nothing but the name is some other thing's name, as a key or a card."""
    return re.compile(rf"(?!\A{re.escape(name)}\Z){_word(name).pattern}", re.IGNORECASE)


def _tells(name: str, texts: Iterable[str]) -> bool:
    """Whether a name is one and no ordinary word, which code and prompts would use for something else."""
    if len(name) < 3 or name in _ORDINARY or name in gpus():
        return False
    distinct = len(name) > 4 and _DISTINCT.search(name) is not None
    return distinct or not any(_word(name).search(text) for text in texts)


def _any_of(paths: Iterable[str], folders: Iterable[str]) -> re.Pattern[str]:
    """Any of these, and what lies below them: whole paths are replaced and not their beginnings."""
    tail = rf"(?:/{_PART})*(?![\w])"
    exact = [re.escape(path[1:]) + tail for path in paths]
    deep = [re.escape(folder[1:]) + tail for folder in folders if folder.count("/") > 1]
    # Of "/tmp" alone nobody learns anything, and in "a /tmp" it is a division.
    flat = [re.escape(folder[1:]) + rf"(?:/{_PART})+" for folder in folders if folder.count("/") == 1]
    longest = sorted([*exact, *deep, *flat], key=len, reverse=True)
    # The slash first: what a pattern begins with is looked for fast.
    return re.compile(rf"/(?:(?<![\w.…)\]]/)|(?<=-[IL]/))(?:{'|'.join(longest)})")
