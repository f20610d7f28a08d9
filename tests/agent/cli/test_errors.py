"""Bad input: one sentence on stderr, the right exit code, no traceback, nothing lost."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.cli import errors
from kernelwright.agent.store import Store
from kernelwright.evaluator.source import triton_functions
from kernelwright.reference_kernels import load_task
from syrupy.assertion import SnapshotAssertion

Command = Callable[..., tuple[int, str, str]]

USAGE = [
    "frob",
    "run",
    "run nothing",
    "run layer_norm --stages blocks",
    "run layer_norm --target rtx-9999",
    "run layer_norm --device tpu",
    "run layer_norm --provider oracle",
    "run layer_norm --seed missing.py",
    "run layer_norm --seed prose.txt",
    "run layer_norm --seed broken.py",
    "run layer_norm --config missing.toml",
    "run layer_norm --config bad.toml",
    "run layer_norm --config wrong_key.toml",
    "run layer_norm --set campaign.rouds=3",
    "run layer_norm --set campain.rounds=3",
    "run layer_norm --set campaign.rounds=many",
    "run layer_norm --set provider.api_key=sk-secret",
    "run layer_norm --set nothing",
    "run layer_norm --set nope.key=3",
    "run layer_norm --stages ,",
    "run layer_norm --stages block_tiling,memory_access,block_tiling",
    "run layer_norm --provider replay --dry-run",
    "run layer_norm --dry-run --store .kernelwright",
    "run layer_norm --base-url notaurl --model m",
    "resume meas --base-url notaurl",
    "resume meas --model m",
    "run layer_norm --rounds 0",
    "run layer_norm --rounds many",
    "run layer_norm --provider replay",
    "run layer_norm --max-usd 5",
    "run layer_norm --base-url http://me:secret@localhost/v1 --model m",
    "evaluate missing.py --task layer_norm",
    "evaluate prose.txt --task nothing",
    "evaluate prose.txt --task layer_norm --target rtx-9999",
    "prompt render --task layer_norm --stage blocks",
    "prompt render --task layer_norm --stage block_tiling --metrics bad.toml",
    "prompt render --task layer_norm --stage block_tiling --metrics list.json",
    "prompt render --task layer_norm --stage block_tiling --metrics negative.json",
    "prompt render --task layer_norm --stage block_tiling --metrics share.json",
    "prompt render --task layer_norm --stage block_tiling --metrics nan.json",
    "prompt render --task layer_norm --stage block_tiling --metrics stranger.json",
    "prompt render --task layer_norm --stage block_tiling --kernel prose.txt",
    "tree zzz",
    "show offl.99",
    "show offl.2 --code",
    "show offl.0 --reply",
    "show offl.1 --code --json",
    "diff offl.0",
    "resume zzz",
    "resume meas --max-usd 5",
    "best zzz",
    "list --jsn",
    "list --store .kernelwright",
]


@pytest.fixture
def files(tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("import torch\nprint('no kernel')\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "bad.toml").write_text("[campaign\n")
    (tmp_path / "wrong_key.toml").write_text("[budget]\nmax_token = 5\n")
    (tmp_path / "list.json").write_text("[1]")
    name = triton_functions(load_task("layer_norm").seed_source() or "")[0]
    for file, kernel, row in (
        ("negative", name, '"duration_ms": -1'),
        ("share", name, '"time_share": 1.5'),
        ("nan", name, '"lts__t_sector_hit_rate.pct": NaN'),
        ("stranger", "nobody", '"duration_ms": 1'),
    ):
        (tmp_path / f"{file}.json").write_text(f'{{"{kernel}": {{{row}}}}}')


@pytest.mark.usefixtures("store", "files")
@pytest.mark.parametrize("line", USAGE)
def test_usage(command: Command, snapshot: SnapshotAssertion, line: str) -> None:
    code, out, err = command(*line.split())
    assert code == 2 and out == ""
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    if not last.startswith("Error: "):  # the command-line library's own words
        assert re.sub(r"(choose (one of|from)) .*", r"\1 …", last) == snapshot


@pytest.mark.usefixtures("files")
def test_a_refused_run_leaves_no_store(command: Command, tmp_path: Path) -> None:
    command("run", "layer_norm", "--stages", "blocks")
    assert not (tmp_path / ".kernelwright").exists()


@pytest.mark.parametrize(
    "url", ["http://me:secret@localhost/v1", "me:secret@localhost", "http://[me:secret@x"]
)
@pytest.mark.parametrize("key", ["--base-url", "--set", "--config"])
@pytest.mark.parametrize("dry", [(), ("--dry-run", "--json")])
def test_a_password_in_the_base_url_is_neither_stored_nor_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch, url: str, key: str, dry: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KERNELWRIGHT_DEBUG", "1")
    given = url if key == "--base-url" else f"provider.base_url={url}"
    if key == "--config":
        given = "url.toml"
        Path(given).write_text(f'[provider]\nbase_url = "{url}"\n')
    code, out, err = command("run", "layer_norm", "--device", "offline", "--model", "m", key, given, *dry)
    Path("url.toml").unlink(missing_ok=True)
    assert code == 2 and "OPENAI_API_KEY" in err and "secret" not in out + err
    assert list(Path().iterdir()) == []


def test_a_limit_in_dollars_with_a_price(command: Command) -> None:
    price = "provider.usd_per_million=[2.5,10]"
    assert command("run", "layer_norm", "--dry-run", "--max-usd", "5", "--set", price)[0] == 0


def test_no_store_yet(command: Command) -> None:
    hint = "begin with `kernelwright run layer_norm` or `kernelwright import FILE`"
    assert command("list") == (0, f"no campaign yet: {hint}\n", "")
    code, _, err = command("tree", "abcd")
    assert code == 2 and "begin with `kernelwright run layer_norm`" in err
    code, _, err = command("list", "--store", "elsewhere.db")
    assert code == 2 and "elsewhere.db" in err


def test_a_store_from_a_newer_version(command: Command, store: Path) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 9999")
    for line in ("list", "tree offl", "resume offl", "run layer_norm --device offline"):
        code, out, err = command(*line.split())
        assert (code, out) == (2, "")
        assert "newer kernelwright" in err.splitlines()[-1] and "Traceback" not in err


def test_another_programs_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, and long enough to be looked at" * 40)
    code, _, err = command("list", "--store", "x.db")
    assert code == 2 and "is not a kernelwright store" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(command: Command, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    code, _, err = command("run", "layer_norm", "--device", "offline", "--store", locked / "a" / "c.db")
    assert code == 3 and "cannot be used" in err.splitlines()[-1]


def test_a_disk_that_cannot_be_written(command: Command) -> None:
    """/proc takes no files, whoever asks."""
    code, _, err = command("run", "layer_norm", "--device", "offline", "--store", "/proc/kernelwright/c.db")
    assert code == 3 and "/proc/kernelwright/c.db" in err.splitlines()[-1] and "Traceback" not in err


def test_no_card(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    code, out, err = command("run", "layer_norm", "--device", "cuda")
    assert (code, out) == (3, "") and "kernelwright doctor" in err


def test_a_campaign_that_another_process_holds(command: Command, store: Path) -> None:
    with Store.open(store) as opened, opened.hold("meas"):
        code, _, err = command("resume", "meas", "--max-minutes", "9", "--device", "offline")
    assert code == 5 and f"process {os.getpid()}" in err.splitlines()[-1]


def test_openai_without_a_key(command: Command) -> None:
    code, _, err = command("run", "layer_norm", "--provider", "openai", "--device", "offline")
    assert code == 3 and "OPENAI_API_KEY" in err


def test_the_table_names_classes_that_exist() -> None:
    assert errors.missing_names() == []


def test_a_surprise_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert errors.report(ZeroDivisionError("by\nzero")) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "KERNELWRIGHT_DEBUG=1" in err
    monkeypatch.setenv("KERNELWRIGHT_DEBUG", "1")
    errors.report(ZeroDivisionError("by zero"))
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_end_of_a_pipe_that_is_not_stdout_is_a_failure(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError("the evaluator is gone")

    monkeypatch.setattr("kernelwright.evaluator.gpus.gpus", broken)
    code, _, err = command("gpus")
    assert code == 3 and "the evaluator is gone" in err


def test_an_error_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    errors.report(errors.UsageProblem("bad \x1b[2J name"))
    assert "\x1b" not in capsys.readouterr().err


def test_ctrl_c_is_told_by_commands_that_store_nothing_too(tmp_path):
    names = "Model = get_inputs = get_init_inputs = None"
    begun = tmp_path / "begun"
    (tmp_path / "slow.py").write_text(f"import time\nopen({str(begun)!r}, 'w')\ntime.sleep(250)\n{names}\n")
    argv = [sys.executable, "-m", "kernelwright.agent", "tasks", "--check", "slow.py"]
    with subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        while not begun.exists() and running.poll() is None:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=100)
    assert running.returncode == 130
    assert said.splitlines()[-1] == "kernelwright: interrupted"
