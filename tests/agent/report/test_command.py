"""``report``: the file that a person gets, and what is refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.cli.main import main
from kernelwright.agent.record import CampaignStatus
from kernelwright.agent.store import Store
from report_world import Opened
from sample_campaigns import fill, measured_record, offline_record

Visit = Callable[..., Opened]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERNELWRIGHT_STORE", raising=False)
    with Store.open(Path(".kernelwright") / "campaigns.db") as opened:
        fill(opened, offline_record(), measured_record())


def test_the_file_opens_in_a_browser(visit: Visit, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "me"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("meas.html: 2 attempts, ") and said.err == ""
    tab = visit(Path("meas.html").absolute(), "meas.1/diff").tab
    tab.locator("#panel .plus").wait_for()


def test_what_was_written_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "meas", "-o", "m.html", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "campaign": "meas",
        "file": "m.html",
        "attempts": 2,
        "bytes": Path("m.html").stat().st_size,
    }


def test_an_existing_file_is_kept_unless_forced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.html").write_text("precious", encoding="utf-8")
    assert main(["report", "meas", "-o", "mine.html"]) == 2
    assert "add --force" in capsys.readouterr().err
    assert Path("mine.html").read_text(encoding="utf-8") == "precious"
    assert main(["report", "meas", "-o", "mine.html", "--force"]) == 0
    assert Path("mine.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("path", ["no/such/folder.html", ".kernelwright"])
def test_a_place_that_cannot_be_written_is_a_sentence(capsys: pytest.CaptureFixture[str], path: str) -> None:
    assert main(["report", "meas", "--force", "-o", path]) == 2
    assert f"'{path}' cannot be written" in capsys.readouterr().err


def test_the_standing_in_the_file_is_that_of_the_store() -> None:
    """A campaign that says it runs and has no process is called stopped."""
    record = offline_record()
    record.campaign.status = CampaignStatus.RUNNING
    with Store.open(Path(".kernelwright") / "campaigns.db") as opened:
        opened.save_campaign(record.campaign)
    assert main(["report", "offl"]) == 0
    assert "its process is gone" in Path("offl.html").read_text(encoding="utf-8")


def test_no_heavy_import() -> None:
    code = (
        "import sys, kernelwright.agent.report.page; print({'torch', 'triton', 'openai'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
