"""Help: every command has an example that parses, and docs/commands.md says what the commands say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.cli.reference import commands, reference

Command = Callable[..., tuple[int, str, str]]
DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"
NAMES = [name for name in commands() if name not in ("", "prompt")]


@pytest.mark.parametrize("name", NAMES)
def test_help_has_an_example(command: Command, name: str) -> None:
    code, out, err = command(*name.split(), "-h")
    assert (code, err) == (0, "")
    assert re.search(rf"^ +kernelwright {name}\b", out, re.MULTILINE)
    assert command(*name.split(), "--help")[1] == out


@pytest.mark.parametrize("name", NAMES)
def test_examples_name_options_that_exist(command: Command, name: str) -> None:
    out = command(*name.split(), "-h")[1]
    examples = [shlex.split(line) for line in out.splitlines() if line.strip().startswith("kernelwright ")]
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", out.partition("Options:")[2]))
    used = {word for example in examples for word in example if word.startswith("-")}
    assert used <= options


def test_every_command_of_the_contract_is_there() -> None:
    wanted = [
        "run",
        "resume",
        "best",
        "list",
        "tree",
        "show",
        "diff",
        "replay",
        "ask",
        "export",
        "import",
        "report",
        "view",
        "evaluate",
        "redteam",
        "bench",
        "tasks",
        "stages",
        "gpus",
        "doctor",
    ]
    assert set(wanted) | {"prompt list", "prompt render"} == set(NAMES)


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == reference(), (
        "run: python -m kernelwright.agent.cli.reference > docs/commands.md"
    )
