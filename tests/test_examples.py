"""The first thing that a newcomer does: look through the example without card, key or network."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "layer_norm_h200.json"
NAME = "yhyt"

OFFLINE = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-net"]
"""Nothing can be reached from in there."""


def kernelwright(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    prefix = OFFLINE if shutil.which("bwrap") else []
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KERNELWRIGHT_", "OPENAI_"))}
    environment = {**inherited, "COLUMNS": "118"}
    argv = [*prefix, sys.executable, "-m", "kernelwright.agent", *arguments]
    return subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty working directory into which the example was imported."""
    folder = tmp_path_factory.mktemp("newcomer")
    done = kernelwright("import", str(EXAMPLE), folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def documented() -> list[str]:
    """The commands of the examples' page, without the import and without their comments."""
    lines = (ROOT / "examples" / "README.md").read_text().splitlines()
    commands = [line.partition("#")[0].strip() for line in lines if line.startswith("kernelwright ")]
    return [command for command in commands if not command.startswith("kernelwright import")]


@pytest.mark.parametrize("command", documented())
def test_every_documented_command_works(folder: Path, command: str) -> None:
    done = kernelwright(*shlex.split(command)[1:], folder=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout or "-o" in command


def test_importing_again_changes_nothing(folder: Path) -> None:
    before = kernelwright("tree", NAME, "--json", folder=folder).stdout
    assert kernelwright("import", str(EXAMPLE), folder=folder).returncode == 0
    assert kernelwright("tree", NAME, "--json", folder=folder).stdout == before


def test_it_exports_to_the_very_file(folder: Path) -> None:
    assert kernelwright("export", NAME, "-o", "again.json", folder=folder).returncode == 0
    assert (folder / "again.json").read_bytes() == EXAMPLE.read_bytes()


def test_what_the_page_says_is_what_was_measured(folder: Path) -> None:
    tree = json.loads(kernelwright("tree", NAME, "--json", folder=folder).stdout)
    page = (ROOT / "examples" / "README.md").read_text()
    for attempt in tree["attempts"]:
        assert f"| `{attempt['id']}` |" in page
        assert f"| {attempt['verdict']['timing']['median_ms']:.3g} |" in page


@pytest.mark.parametrize("command", ["tree", "replay"])
def test_the_readme_shows_what_is_printed(folder: Path, command: str) -> None:
    printed = kernelwright(command, NAME, folder=folder).stdout
    lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    assert f"$ kernelwright {command} {NAME}\n{lines}" in (ROOT / "README.md").read_text()


def test_the_readmes_picture_is_the_reports_chart(folder: Path) -> None:
    assert kernelwright("report", NAME, "--chart", "gain.svg", folder=folder).returncode == 0
    assert (folder / "gain.svg").read_bytes() == (ROOT / "docs" / "gain.svg").read_bytes()


def test_the_example_names_no_place_on_a_machine() -> None:
    text = EXAMPLE.read_text()
    assert not re.findall(r"/(?:home|root|tmp|usr|opt|var|mnt|work)/[\w.-]+", text)
