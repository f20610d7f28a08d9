"""The reading commands on a real store."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.agent.store import Store
from sample_campaigns import BAD, FASTER, HOSTILE, SEED, measured_record, profile
from syrupy.assertion import SnapshotAssertion

Command = Callable[..., tuple[int, str, str]]
Process = Callable[..., subprocess.CompletedProcess[bytes]]

pytestmark = pytest.mark.usefixtures("store")


@pytest.mark.parametrize(
    "line",
    [
        "list",
        "tree offl",
        "tree meas",
        "best offl",
        "best meas",
        "show offl.1",
        "show offl.3",
        "diff offl.1",
        "diff meas.0 meas.1",
    ],
)
def test_output(command: Command, snapshot: SnapshotAssertion, line: str) -> None:
    code, out, err = command(*line.split())
    assert (code, err) == (0, "")
    assert [row.rstrip() for row in out.splitlines()] == snapshot


@pytest.mark.parametrize("line", ["list", "tree o", "best m", "show offl.1", "diff offl.4"])
def test_json_is_json(command: Command, line: str) -> None:
    code, out, _ = command(*line.split(), "--json")
    assert code == 0 and json.loads(out)


def test_show_json_is_the_whole_attempt(command: Command) -> None:
    data = json.loads(command("show", "offl.3", "--json")[1])
    assert data["evaluation"]["schema"] == 1
    assert data["evaluation"]["reason"].endswith(HOSTILE)
    assert data["reply"]["text"] == "again"


@pytest.mark.parametrize(
    ("flag", "attempt", "expected"),
    [("--code", "offl.3", BAD), ("--prompt", "offl.1", "the prompt\n"), ("--reply", "offl.2", HOSTILE)],
)
def test_an_artefact_in_a_pipe_is_exact(process: Process, flag: str, attempt: str, expected: str) -> None:
    """Byte for byte, escapes and all, without a newline of our own."""
    done = process("show", attempt, flag)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected.encode(), b"")


def on_a_terminal(*arguments: str) -> bytes:
    """What a real pseudo-terminal gets."""
    import pty
    import sys

    main_end, its_end = pty.openpty()
    argv = [sys.executable, "-m", "kernelwright.agent", *arguments]
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(argv, stdout=its_end, stderr=its_end, stdin=its_end, env=environment) as running:
        os.close(its_end)
        output = b""
        while True:
            try:
                chunk = os.read(main_end, 65536)
            except OSError:
                break
            if not chunk:
                break
            output += chunk
        assert running.wait(60) == 0
    os.close(main_end)
    return output


@pytest.mark.parametrize("line", ["show offl.2 --reply", "show offl.3 --diff", "diff offl.3", "tree offl"])
def test_an_artefact_on_a_terminal_is_harmless(line: str) -> None:
    """The reply's and the kernel's escapes arrive as visible text."""
    output = on_a_terminal(*line.split())
    assert b"\x1b[2J" not in output and b"\x1b]" not in output and b"\x07" not in output
    assert rb"\x1b[2J" in output


def test_a_diff_has_colours_on_a_terminal_and_none_where_nobody_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert b"\x1b[1;32m+" in on_a_terminal("diff", "offl.1")
    monkeypatch.setenv("NO_COLOR", "1")
    output = on_a_terminal("diff", "offl.1")
    assert b"\x1b[1;32m" not in output and b"[7;3" not in output and b"+" in output


def test_the_patch_is_the_diff_against_the_parent(process: Process) -> None:
    patch = process("show", "offl.1", "--diff").stdout
    assert patch.startswith(b"--- offl.0.py\n+++ offl.1.py\n@@")
    assert process("diff", "offl.1").stdout.startswith(patch)


def test_the_pairs_are_data(command: Command) -> None:
    data = json.loads(command("show", "meas.1", "--samples")[1])
    assert (data["pairs"], data["samples"], data["median_ms_ci95"]) == (6, [], None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show offl.1 --samples", "was not timed"),
        ("show offl.0 --brief", "no brief (seed)"),
        ("show offl.0 --diff", "has no parent"),
        ("show offl.2 --diff", "has no kernel (truncated)"),
        ("show offl.0 --reply", "has no reply"),
        ("show offl.1 --code --diff", "choose one of --code, --diff"),
    ],
)
def test_what_is_not_there_is_said(command: Command, line: str, said: str) -> None:
    code, out, err = command(*line.split())
    assert (code, out) == (2, "")
    assert said in err and err.count("\n") == 1


def test_the_page_names_what_can_be_printed(command: Command) -> None:
    """Each flag that it names works, and only those."""
    for attempt in ("offl.0", "offl.1", "offl.2", "meas.1"):
        page = command("show", attempt)[1]
        for flag in (
            "--code",
            "--diff",
            "--prompt",
            "--brief",
            "--reply",
            "--metrics",
            "--samples",
            "--json",
        ):
            named = any(row.startswith(flag) for row in page.splitlines())
            assert (command("show", attempt, flag)[0] == 0) == named, (attempt, flag)


TWO_KERNELS = """\
import torch.nn as nn
import triton

@triton.jit
def partial(x):
    pass

@triton.jit
def final(x):
    pass

class ModelNew(nn.Module):
    def forward(self, x):
        return x
"""


def test_metrics_feed_the_prompt(command: Command, tmp_path: Path) -> None:
    """What `show --metrics` prints is what `prompt render --metrics` reads."""
    code, out, _ = command("show", "offl.1", "--metrics")
    assert code == 0
    (tmp_path / "m.json").write_text(out)
    (tmp_path / "k.py").write_text(TWO_KERNELS)
    line = [
        "--kernel",
        "k.py",
        "--task",
        "layer_norm",
        "--stage",
        "grid_and_parallel",
        "--metrics",
        "m.json",
        "--target",
        "rtx-4090",
    ]
    code, prompt, err = command("prompt", "render", *line)
    assert (code, err) == (0, "")
    assert "65536" in prompt and "partial" in prompt and "0.549" in prompt
    assert "ESTIMATES" in prompt
    (tmp_path / "m.json").write_text(command("show", "meas.1", "--metrics")[1])
    assert "ESTIMATES" not in command("prompt", "render", *line)[1]


def test_best_writes_a_file_once(command: Command, tmp_path: Path) -> None:
    assert command("best", "meas", "-o", "k.py") == (0, "", "")
    first = (tmp_path / "k.py").read_text()
    assert first.endswith(FASTER) and first.startswith("# ")
    code, _, err = command("best", "offl", "-o", "k.py")
    assert code == 2 and "--force" in err
    assert (tmp_path / "k.py").read_text() == first
    assert command("best", "offl", "-o", "k.py", "--force")[0] == 0
    assert (tmp_path / "k.py").read_text() != first


def test_the_piped_diff_applies(process: Process, tmp_path: Path) -> None:
    (tmp_path / "offl.0.py").write_text(SEED)
    patch = process("diff", "offl.1").stdout
    done = subprocess.run(["patch", "offl.0.py"], input=patch, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "offl.0.py").read_text() == FASTER


def test_a_reader_that_stops_early_is_no_failure(tmp_path: Path, store: Path) -> None:
    import sys

    (tmp_path / "run.sh").write_text(
        f"set -o pipefail; {sys.executable} -m kernelwright.agent show offl.1 --json | true"
    )
    done = subprocess.run(["bash", "run.sh"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_reading_changes_nothing(command: Command, store: Path) -> None:
    store.parent.chmod(0o500)
    before = store.read_bytes()
    try:
        assert command("tree", "offl")[0] == 0
    finally:
        store.parent.chmod(0o700)
    assert store.read_bytes() == before


def test_ids_and_names_stay_whole_on_a_narrow_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = command("list")[1]
    assert all(len(line) <= 80 for line in out.splitlines())
    for word in ("offl", "meas", "layer_norm", "rtx-4090"):
        assert word in out


def test_kernels_stand_below_each_other_on_a_narrow_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = command("show", "offl.1")[1]
    monkeypatch.setenv("COLUMNS", "80")
    narrow = command("show", "offl.1")[1]
    assert "metrics (estimated)" in wide and "metrics (estimated)" not in narrow
    assert {"partial (estimated)", "final (estimated)"} <= set(narrow.splitlines())
    assert narrow.count("BLOCK_SIZE_N=1024 num_warps=4") == 2


@pytest.mark.parametrize("columns", [60, 70, 80])
def test_every_value_is_there_on_a_narrow_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch, store: Path, columns: int
) -> None:
    """Kernels and metrics of the length that real ones have, each value on a line with its name's beginning."""
    metric = "sm__inst_executed_pipe_tensor.avg.pct_of_peak_sustained_active"
    record = measured_record()
    found = record.attempts[1].evaluation
    assert found is not None
    names = ["layer_norm_forward_tile_stats_kernel", "layer_norm_forward_columns_kernel"]
    found.kernels = [profile(name, 0.5, 0.15, **{metric: 48.1}) for name in names]
    with Store.open(store) as opened:
        opened.save_attempt(record.attempts[1])
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = command("show", "meas.1")[1].splitlines()
    assert all(len(line) <= columns for line in lines) and set(names) <= set(lines)
    values = [line for line in lines if line.endswith("48.1")]
    assert len(values) == 2 and all(line.startswith(metric[:40]) for line in values)


def test_an_encoding_without_the_marks_gets_marks_that_are_like_them(process: Process) -> None:
    done = process("tree", "meas", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out = done.stdout.decode("ascii")
    assert "*  meas.0" in out and "12.2x [11.9, 12.4]" in out and "?" not in out


def test_no_line_in_a_pipe_ends_in_blanks(command: Command) -> None:
    for line in ("list", "tree offl", "tree meas", "show meas.1", "diff meas.1"):
        assert all(row == row.rstrip() for row in command(*line.split())[1].splitlines() if row != " "), line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show meas.1@1", "`kernelwright ask meas.1@1` shows it"),
        ("diff meas.1@1", "`kernelwright ask meas.1@1` shows it"),
        ("show meas.99", "choose one of meas.0, meas.1\n"),
        ("tree meas.1", "`kernelwright show meas.1`"),
        ("show meas", "`kernelwright tree meas` shows"),
        ("diff meas", "`kernelwright tree meas` shows"),
        ("show meas.0 --diff", "`kernelwright diff meas.0 ATTEMPT`"),
        ("show meas.0 --prompt", "no prompt (seed)"),
        ("show meas.0 --reply", "no reply (seed)"),
        ("tree meas --store none.db", "`kernelwright import FILE`"),
    ],
)
def test_a_wrong_name_is_answered_with_the_command_that_was_meant(
    command: Command, line: str, said: str
) -> None:
    code, out, err = command(*line.split())
    assert (code, out) == (2, "") and said in err


def test_a_diff_on_a_terminal_begins_with_what_came_of_it() -> None:
    shown = re.sub(rb"\x1b\[[0-9;]*m", b"", on_a_terminal("diff", "meas.1")).decode().splitlines()
    assert shown[0] == "meas.0 3.87 ms → meas.1 0.318 ms"
    assert shown[2] == "1 line added, 1 removed"
