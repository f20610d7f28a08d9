"""What ``report``, ``best`` and ``export`` write: whole or not at all, and over nothing by accident."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kernelwright.agent.cli.main import main
from kernelwright.agent.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from sample_campaigns import fill, measured_record

STORE = Path("folder") / "campaigns.svg"
COMMANDS = {
    "report": ["report", "meas", "-o"],
    "chart": ["report", "meas", "--chart"],
    "best": ["best", "meas", "-o"],
    "export": ["export", "meas", "-o"],
}
each = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERNELWRIGHT_STORE", str(STORE))
    with Store.open(STORE) as opened:
        fill(opened, measured_record())


@each
def test_nothing_is_written_over_the_store(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = STORE.read_bytes()
    assert main([*command, str(STORE), "--force"]) == 2
    assert "is the store itself" in capsys.readouterr().err
    assert STORE.read_bytes() == before


@each
@pytest.mark.parametrize("target", ["precious", "nothing"])
def test_no_link_is_followed(command: list[str], target: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("precious").write_text("precious", encoding="utf-8")
    Path("link.svg").symlink_to(target)
    assert main([*command, "link.svg", "--force"]) == 2
    assert "is no plain file" in capsys.readouterr().err
    assert Path("precious").read_text(encoding="utf-8") == "precious" and not Path("nothing").exists()


@each
def test_a_full_disk_leaves_the_file_that_was_there(command: list[str]) -> None:
    """A limit on a file's size stands for the disk; the signal that it sends is ignored by Python."""
    Path("mine.svg").write_text("precious", encoding="utf-8")
    program = (
        "import resource, sys; from kernelwright.agent.cli.main import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "mine.svg", "--force"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "'mine.svg' cannot be written: File too large" in done.stderr
    assert Path("mine.svg").read_text(encoding="utf-8") == "precious"
    assert sorted(path.name for path in Path().iterdir()) == ["folder", "mine.svg"]


@each
def test_a_directory_is_said_to_be_one(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures.svg").mkdir()
    assert main([*command, "pictures.svg"]) == 2
    assert "'pictures.svg' cannot be written, since it is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gain.png", "gain", "svg"])
def test_no_picture_gets_another_kinds_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "meas", "--chart", name]) == 2
    assert f"'{name}' would hold an SVG picture" in capsys.readouterr().err
    assert not Path(name).exists()
