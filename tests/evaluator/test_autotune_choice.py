"""What autotuning chose is kept from process to process, also where Triton itself keeps nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
import triton
from triton.runtime.autotuner import Config
from kernelwright.evaluator.autotune_choice import keep_choices

keep_choices(Path(sys.argv[1]))
blocks, best, key = json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
configs = [Config({"BLOCK": block}, pre_hook=lambda arguments: None) for block in blocks]


@triton.autotune(configs=configs, key=["n"])
@triton.jit
def kernel(x, n, BLOCK: triton.language.constexpr):
    pass


timed = []


def benchmark():
    timed.append(True)
    kernel.cache[key] = kernel.configs[best]


found = kernel.check_disk_cache(key, kernel.configs, benchmark)
print(json.dumps([found, bool(timed), kernel.cache[key].kwargs["BLOCK"]]))
"""


def chosen(folder: Path, blocks: list[int], best: int, key: str = "4096") -> list[object]:
    """Of one process: whether the choice was known, whether it was timed, the block that was chosen."""
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program), str(folder), json.dumps(blocks), str(best), key],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_a_second_process_takes_the_choice_of_the_first(tmp_path: Path) -> None:
    assert chosen(tmp_path, [64, 128], best=1) == [False, True, 128]
    assert chosen(tmp_path, [64, 128], best=0) == [True, False, 128]


@pytest.mark.parametrize(("blocks", "key"), [([64, 256], "4096"), ([64, 128], "37")], ids=["configs", "key"])
def test_other_configurations_and_shapes_are_timed_anew(blocks: list[int], key: str, tmp_path: Path) -> None:
    chosen(tmp_path, [64, 128], best=1)
    assert chosen(tmp_path, blocks, 0, key) == [False, True, 64]


@pytest.mark.parametrize("text", ["7", "-1", "true", "[]", "no number", ""])
def test_a_file_that_holds_no_choice_is_none(text: str, tmp_path: Path) -> None:
    chosen(tmp_path, [64, 128], best=1)
    (file,) = tmp_path.glob("choice-*.json")
    file.write_text(text, encoding="utf-8")
    assert chosen(tmp_path, [64, 128], best=0)[:2] == [False, True]
