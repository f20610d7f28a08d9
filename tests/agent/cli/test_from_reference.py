"""`run` on a task that has a reference and no kernel: the command, what it says, and one run with the real judge."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.reference_kernels import load_task

sys.path.insert(0, str(Path(__file__).parents[1]))

from judges import CARD, Judges
from loop_world import fence, source

ROWS = """
import torch
import torch.nn as nn

rows = 200
columns = 96


class Model(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def get_inputs():
    return [torch.randn(rows, columns)]


def get_init_inputs():
    return [columns]
"""
KERNEL = """
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def scale_rows(x_ptr, weight_ptr, out_ptr, columns, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    inside = lanes < columns
    place = tl.program_id(0) * columns + lanes
    x = tl.load(x_ptr + place, mask=inside, other=0.0)
    weight = tl.load(weight_ptr + lanes, mask=inside, other=0.0)
    scale = 1.0 / tl.sqrt(tl.sum(x * x, axis=0) / columns + 1e-6)
    tl.store(out_ptr + place, x * scale * weight, mask=inside)


class ModelNew(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(columns))

    def forward(self, x):
        rows, columns = x.shape
        out = torch.empty_like(x)
        block = triton.next_power_of_2(columns)
        scale_rows[(rows,)](x, self.weight, out, columns, BLOCK=block, num_warps=4)
        return out
"""

Command = Callable[..., tuple[int, str, str]]


def campaign_of(text: str) -> str:
    found = re.search(r"kernelwright (?:resume|tree) ([a-z0-9]+)", text)
    assert found, text
    return found.group(1)


def as_replies(folder: Path, *replies: str) -> tuple[str, ...]:
    """Options of `run` that take these replies in turn."""
    folder.mkdir()
    for number, reply in enumerate(replies, 1):
        (folder / f"{number}.reply.md").write_text(reply)
    return ("--provider", "replay", "--set", f"provider.replay_from={folder}")


@pytest.fixture
def my_norm(judges: Judges) -> str:
    """A KernelBench file, which has no seed."""
    Path("my_norm.py").write_text(load_task("layer_norm").reference_source())
    return "my_norm.py"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [pytest.param((), 3, id="no key"), pytest.param(("--provider", "tuner"), 2, id="asked for")],
)
def test_the_tuner_says_at_once_that_it_writes_no_first_kernel(
    command: Command, judges: Judges, my_norm: str, asked: tuple[str, ...], expected: int
) -> None:
    code, out, err = command("run", my_norm, *asked)
    assert (code, out) == (expected, "") and len(err.splitlines()) == 1
    assert all(way in err for way in ("--seed FILE", "--provider manual", "OPENAI_API_KEY", "--base-url URL"))
    assert ("no model is configured" in err) is (expected == 3)
    assert judges.opened == [] and not Path(".kernelwright").exists()
    assert command("run", my_norm, *asked, "--dry-run")[0] == expected


def test_a_dry_run_counts_the_first_kernels_replies(command: Command, my_norm: str) -> None:
    line = ("run", my_norm, "--provider", "manual", "--stages", "block_tiling", "--rounds", "1", "--dry-run")
    data = json.loads(command(*line, "--json")[1])
    assert [(s["name"], s["rounds"], s["repairs"]) for s in data["stages"]] == [
        ("first_kernel", 2, 3),
        ("block_tiling", 1, 1),
    ]
    assert data["replies_at_most"] == 2 * 4 + 1 * 2 and data["first_prompt"]["stage"] == "first_kernel"
    out = command(*line)[1]
    assert re.search(r"^first_kernel +2 +1 +3$", out, re.MULTILINE) and "replies: at most 10" in out


def test_without_a_first_kernel_the_command_says_how_to_go_on(
    command: Command, my_norm: str, tmp_path: Path
) -> None:
    wrong = [fence(source(4.0, "incorrect", tag=str(number))) for number in range(4)]
    replies = as_replies(tmp_path / "replies", *wrong, fence(source(4.0)), fence(source(2.0)))
    code, _, err = command("run", my_norm, "--repairs", "1", "--stages", "block_tiling", *replies)
    name = campaign_of(err)
    last = err.splitlines()[-1]
    assert code == 5 and "no first kernel passed in 2 rounds of 4 replies" in last
    assert last.endswith(f"`kernelwright resume {name} --rounds 4` goes on")
    assert f"kernelwright resume {name} --rounds 4" in command("tree", name)[1]
    err = command("resume", name, "--rounds", "4")[2]
    assert re.search(rf"^{name}\.4 +first_kernel 3 +passed", err, re.MULTILINE)
    assert "first_kernel finished: a first kernel passed" in err and f"{name}.5" in err


def test_a_task_that_proves_nothing_is_refused_by_a_dry_run_too_and_leaves_no_campaign(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    zeros = load_task("softmax").reference_source().replace("return torch.softmax(x, dim=-1)", "return x * 0")
    assert "x * 0" in zeros
    (tmp_path / "zeros.py").write_text(re.sub(r"\b(16384|4096)\b", "64", zeros))
    line = ("run", "zeros.py", "--provider", "manual")
    for asked in (line, (*line, "--dry-run")):
        code, out, err = command(*asked)
        assert (code, out) == (2, "") and "proves nothing" in err.splitlines()[-1]
        assert not Path(".kernelwright").exists() or json.loads(command("list", "--json")[1]) == []


@pytest.fixture
def finished(command: Command, my_norm: str, tmp_path: Path) -> str:
    """A wrong reply, its repair, and a stage that gained, on a card."""
    replies = [source(4.0, "incorrect"), source(4.0), source(2.0)]
    chosen = as_replies(tmp_path / "replies", *map(fence, replies))
    code, out, _ = command("run", my_norm, "--stages", "block_tiling", "--rounds", "1", *chosen)
    assert code == 0
    return campaign_of(out)


@pytest.mark.parametrize(
    "line",
    ["tree {0}", "show {0}.0", "show {0}.1", "best {0}", "diff {0}.2", "diff {0}.0 {0}.1", "replay {0}"],
)
def test_it_reads_like_any_other_campaign(command: Command, finished: str, line: str) -> None:
    assert command(*line.format(finished).split())[0] == 0
    assert command("report", finished, "-o", "report.html")[0] == 0


def test_the_first_kernels_diff_says_that_it_is_the_first(command: Command, finished: str) -> None:
    for attempt, pair in ((0, f"{finished}.0 ATTEMPT"), (1, f"{finished}.0 {finished}.1")):
        code, out, err = command("diff", f"{finished}.{attempt}")
        assert (code, out) == (2, "") and "made from the PyTorch reference alone" in err
        assert f"`kernelwright diff {pair}`" in err


def test_the_summary_compares_with_the_first_kernel(
    command: Command, finished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: CARD)
    out = command("resume", finished, "--device", "cuda")[1]
    table = re.findall(r"^(eager|compile|first \S+|best \S+) +1\.00 ms", out, re.MULTILINE)
    assert table == ["eager", "compile", f"first {finished}.1", f"best {finished}.4"]
    assert f"kernelwright diff {finished}.1 {finished}.4" in out


def test_a_whole_run_with_the_real_judge(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three replies: one that forgets the weight, its repair, and one that changes the warps."""
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: None)
    (tmp_path / "rows.py").write_text(ROWS)
    wrong, other = KERNEL.replace("* scale * weight", "* scale"), KERNEL.replace("num_warps=4", "num_warps=1")
    replies = as_replies(tmp_path / "replies", *(f"```python{text}```" for text in (wrong, KERNEL, other)))
    code, out, err = command("run", "rows.py", "--stages", "memory_access", "--rounds", "1", *replies)
    assert code == 0, err
    name = campaign_of(out)
    prompts = [command("show", f"{name}.{number}", "--prompt")[1] for number in range(3)]
    assert "Status: incorrect" in prompts[1] and "wrong on nominal inputs" in prompts[1]
    assert "[CURRENT CODE]" in prompts[2] and "* scale * weight" in prompts[2]
    found = json.loads(command("tree", name, "--json")[1])["attempts"]
    assert [(a["stage"], a["kind"], a["state"]) for a in found] == [
        ("first_kernel", "first", "incorrect"),
        ("first_kernel", "repair", "passed"),
        ("memory_access", "optimise", "passed"),
    ]
    assert [a["decision"]["accepted"] for a in found[:2]] == [False, True]
