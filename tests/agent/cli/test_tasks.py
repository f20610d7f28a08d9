"""``tasks``: the list, and the check that every task refuses answers that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kernelwright.evaluator.protocol import Impostor, Proof
from kernelwright.reference_kernels import bundled, load_task

Command = Callable[..., tuple[int, str, str]]

FLAT = """
import torch
rows = 4096
class Model(torch.nn.Module):
    def forward(self, x):
        return 0 * x + 3
def get_inputs():
    return [torch.randn(rows, 4096)]
def get_init_inputs():
    return []
"""


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "reference.py").write_text(FLAT)
    (folder / "task.toml").write_text(
        'name = "flat"\ntitle = "Flat"\ndtype = "float32"\n[[small]]\nrows = 3\n'
    )
    return folder


def test_the_list_can_be_of_one(command: Command, flat: Path) -> None:
    assert [task["name"] for task in json.loads(command("tasks", "--json")[1])] == list(bundled())
    assert [task["name"] for task in json.loads(command("tasks", flat, "--json")[1])] == ["flat"]
    code, out, err = command("tasks", "softmax")
    assert (code, err) == (0, "") and "softmax" in out and "layer_norm" not in out


def test_bundled_tasks_are_proven(command: Command) -> None:
    code, out, err = command("tasks", "--check")
    assert code == 0, out
    assert f"checking {len(bundled())} tasks at" in err
    assert [line.split()[:2] for line in out.splitlines() if " proven at " in line] == [
        [name, "proven"] for name in bundled()
    ]


def test_one_that_proves_nothing_is_told_with_what_it_lets_pass(command: Command, flat: Path) -> None:
    code, out, _ = command("tasks", "--check", flat)
    assert code == 1
    assert out.startswith("flat not proven at rows=3 on the CPU\n") or "timed shapes" in out
    (row,) = (line for line in out.splitlines() if line.startswith("a constant"))
    assert row.split()[2:5] == ["let", "pass", "nominal"]
    assert "task 'flat' proves nothing" in out


def test_the_json_is_the_whole_proof(command: Command, flat: Path) -> None:
    code, out, _ = command("tasks", flat, "--check", "--json")
    (found,) = [Proof.model_validate(raw) for raw in json.loads(out)]
    assert code == 1 and not found.proven
    assert (
        Impostor(name="a constant", refused=False, family="nominal", error=0.0, budget=1e-5)
        in found.impostors
    )


def test_what_is_no_task_is_no_failed_check(command: Command) -> None:
    code, out, err = command("tasks", "--check", "nothing")
    assert (code, out) == (2, "") and "unknown task 'nothing'" in err


@pytest.mark.parametrize("line", ["evaluate seed.py --task flat", "run flat --seed seed.py"])
def test_nothing_is_judged_by_a_task_that_proves_nothing(command: Command, flat: Path, line: str) -> None:
    Path("seed.py").write_text(load_task("softmax").seed_source() or "")
    code, _, err = command(*line.split(), "--device", "offline")
    assert code == 2 and "task 'flat' proves nothing: its check lets a constant pass" in err
    assert "Traceback" not in err
