"""A real store with two campaigns, and the command as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.cli.main import main
from kernelwright.agent.store import Store

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from judges import Judges
from sample_campaigns import fill, measured_record, offline_record

Result = tuple[int, str, str]
Command = Callable[..., Result]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory, no keys, no settings of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    for name in list(os.environ):
        if name.startswith(("KERNELWRIGHT_", "OPENAI_")) or name in (
            "FORCE_COLOR",
            "NO_COLOR",
            "TTY_COMPATIBLE",
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The default store, with one offline and one measured campaign."""
    path = tmp_path / ".kernelwright" / "campaigns.db"
    with Store.open(path) as opened:
        fill(opened, offline_record(), measured_record())
    return path


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> Judges:
    """The evaluators that commands open, and no card."""
    found = Judges()
    monkeypatch.setattr("kernelwright.evaluator.client.open_evaluator", found.open)
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    return found


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs one command line in this process: exit code, stdout, stderr."""

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs one command line in a process of its own."""

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        argv = [sys.executable, "-m", "kernelwright.agent", *arguments]
        return subprocess.run(argv, capture_output=True, timeout=120, check=False, **options)  # type: ignore[call-overload, no-any-return]

    return run
