"""docs/your_own_kernel.md, done as it says: each command in its order, for real, and what is printed as it is shown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from kernelwright.evaluator.devices import detect_card
from kernelwright.evaluator.sandbox import PROCESS_WARNING

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "your_own_kernel.md"
EXAMPLE = ROOT / "examples" / "own_kernel"
PLACE = "~/my_kernel"
"""How the guide calls the folder that the commands run in."""
LEFT_OUT = "[…]"

pytestmark = pytest.mark.skipif(detect_card() is not None, reason="the guide shows a machine without a card")


@dataclass(frozen=True)
class Shown:
    """One command of the guide and what stands below it."""

    command: str
    output: str


def shown() -> list[Shown]:
    """All commands after a ``$``, in order."""
    found = []
    for block in re.findall(r"^```\n(\$ .*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append(Shown(command, output))
    return found


def recorded_id() -> str:
    """The campaign's name in the guide."""
    found = re.search(r"^campaign (\w+):", GUIDE.read_text(), re.MULTILINE)
    assert found is not None
    return found.group(1)


def do(command: str, folder: Path) -> str:
    """Everything that a shell prints, in the order in which a terminal shows it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KERNELWRIGHT_", "OPENAI_"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1; {command}"],
        cwd=folder,
        env={**inherited, "COLUMNS": "110", "PYTHONUNBUFFERED": "1", "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout


def called(text: str, old: str, new: str) -> str:
    """The text with another name for the campaign."""
    return re.sub(rf"\b{old}\b", new, text)


def told(text: str, folder: Path, name: str) -> str:
    """What has to agree: without line breaks, seconds, hashes, the campaign's name and the machine's words."""
    text = " ".join(called(text.replace(str(folder), PLACE), name, recorded_id()).split())
    text = text.replace(f"warning: {PROCESS_WARNING}", "")
    text = re.sub(r"(\d+ min )?\d+(\.\d+)? s\b", "TIME", text)
    text = re.sub(r"\b(bubblewrap|process)\b", "SANDBOX", text)
    text = re.sub(r"\b[0-9a-f]{12,64}\b", "HASH", text)
    return " ".join(text.split())


def agrees(expected: str, printed: str, folder: Path, name: str) -> bool:
    """Whether what is printed is what is shown, with anything in the places of what was left out."""
    pieces = [re.escape(told(piece, folder, name)) for piece in expected.split(LEFT_OUT)]
    return re.fullmatch(rf"\s*{'.*?'.join(pieces)}\s*", told(printed, folder, name)) is not None


def test_every_command_prints_what_the_guide_shows(tmp_path: Path) -> None:
    folder, name = tmp_path / "my_kernel", recorded_id()
    shutil.copytree(EXAMPLE, folder)
    for step in shown():
        printed = do(called(step.command, recorded_id(), name), folder)
        begun = re.search(r"^campaign (\w+):", printed, re.MULTILINE)
        name = begun.group(1) if begun else name
        assert agrees(step.output, printed, folder, name), f"$ {step.command}\n{printed}"


def test_nothing_of_importance_is_left_unshown() -> None:
    commands = [step.command for step in shown()]
    for wanted in (
        "tasks --check",
        "prompt render",
        "run",
        "resume",
        "tree",
        "diff",
        "best",
        "report",
        "evaluate",
    ):
        assert any(command.startswith(f"kernelwright {wanted}") for command in commands), wanted
