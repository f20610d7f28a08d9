"""The file that `bench` fills: by several processes at once, and read without a card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kernelwright.agent.cli.bench_file import DEFAULT_FILE, BenchFile
from kernelwright.agent.suite.rows import Place, Planned, Suite
from kernelwright.agent.suite.running import blank

Command = Callable[..., tuple[int, str, str]]
PLACE = Place(device="NVIDIA H200", target="h200", driver="580.1", torch="2.13.0", triton="3.7.1")
FILL = """
import sys
from pathlib import Path
from kernelwright.agent.cli.bench_file import BenchFile
from kernelwright.agent.suite.rows import Row
kept = BenchFile(Path(sys.argv[1]))
row = Row.model_validate_json(sys.argv[2])
for number in range(25):
    kept.add(row.model_copy(update={"task": f"{sys.argv[3]}{number}"}))
"""


def test_several_processes_fill_one_file() -> None:
    row = blank(Planned("x", "x", "0", "0", None, None, ""), PLACE).model_dump_json()
    argv = [[sys.executable, "-c", FILL, "bench.json", row, name] for name in "abc"]
    done = [process.wait(60) for process in [subprocess.Popen(one) for one in argv]]
    assert done == [0, 0, 0]
    found = {one.task for one in BenchFile(Path("bench.json")).read().tasks}
    assert found == {f"{name}{number}" for name in "abc" for number in range(25)}


SHOW = """
import sys
from kernelwright.agent.cli.main import main
code = main(["bench", "--show", "-o", "bench.json"])
print(code, sorted({"torch", "triton", "numpy"} & set(sys.modules)), file=sys.stderr)
"""


def test_showing_needs_neither_torch_nor_a_card() -> None:
    row = blank(Planned("x", "some_task", "0", "0", None, None, "none known"), PLACE)
    Path("bench.json").write_text(Suite(tasks=[row]).model_dump_json(by_alias=True))
    done = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == "0 []\n" and "some_task" in done.stdout and "NVIDIA H200" in done.stdout


def test_showing_some_tasks(command: Command) -> None:
    made = [blank(Planned(name, name, "0", "0", None, None, "none"), PLACE) for name in ("one", "two")]
    DEFAULT_FILE.parent.mkdir()
    DEFAULT_FILE.write_text(Suite(tasks=made).model_dump_json(by_alias=True))
    shown = json.loads(command("bench", "--show", "two", "--json")[1])
    assert [row["name"] for row in shown["tasks"]] == ["two"]
    code, _, err = command("bench", "--show", "three")
    assert code == 2 and "has no task 'three': it has one, two" in err


def test_a_name_means_the_bundled_task_as_it_does_in_a_run(command: Command) -> None:
    mine = str(Path("softmax").absolute())
    tasks = [("softmax", "softmax"), (mine, "softmax"), (f"{mine}_2", "mine")]
    made = [blank(Planned(task, name, "0", "0", None, None, "none"), PLACE) for task, name in tasks]
    Path("bench.json").write_text(Suite(tasks=made).model_dump_json(by_alias=True))
    for asked, meant in (("softmax", "softmax"), ("./softmax", mine), (mine, mine), ("mine", f"{mine}_2")):
        shown = json.loads(command("bench", "--show", asked, "--json", "-o", "bench.json")[1])
        assert [row["task"] for row in shown["tasks"]] == [meant]


def test_the_file_of_the_benchmarks_can_be_read(command: Command) -> None:
    path = Path(__file__).parents[3] / "benchmarks" / "h200" / "bench.json"
    code, out, _ = command("bench", "--show", "-o", path)
    data = json.loads(path.read_text())
    assert code == 0 and all(f"\n{row['name']}  " in out for row in data["tasks"])
    shown = json.loads(command("bench", "--show", "-o", path, "--json")[1])
    assert len(shown["figures"]) == len({str(row["place"]) for row in data["tasks"]})
    for row, found in zip(data["tasks"], shown["tasks"], strict=True):
        assert found | row == found and row["contenders"][3]["median_ms"] is not None


@pytest.mark.parametrize(
    "broken",
    [
        {"contenders": []},
        {"contenders": [{"name": name} for name in ("eager", "compile", "seed", "best", "best")]},
        {"contenders": [{"name": name, "speedup": -1.0} for name in ("eager", "compile", "seed", "best")]},
        {"contenders": [{"name": name, "speedup": float("inf")} for name in ("eager", "compile", "seed", "best")]},
        {"when": "2026-01-01T00:00:00"},
    ],
    ids=["no contenders", "best twice", "negative speedup", "infinite speedup", "no time zone"],
)  # fmt: skip
@pytest.mark.parametrize("way", [["--show"], ["--again"]], ids=["shown", "filled"])
def test_a_row_that_makes_no_sense_is_no_row(
    command: Command, broken: dict[str, Any], way: list[str]
) -> None:
    row = blank(Planned("softmax", "softmax", "0", "0", None, None, "none"), PLACE).model_dump(mode="json")
    text = json.dumps({"schema": 1, "tasks": [row | broken]})
    Path("bench.json").write_text(text)
    code, _, err = command("bench", "softmax", "--device", "offline", "-o", "bench.json", *way)
    assert code == 2 and "was not written by this version" in err
    assert Path("bench.json").read_text() == text
