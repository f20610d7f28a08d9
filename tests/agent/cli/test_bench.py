"""`bench`: who meets whom, what is kept and not run again, how it stops; on a stand-in card and really offline."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judges import CARD
from kernelwright.agent.cli.bench_file import DEFAULT_FILE, BenchFile
from kernelwright.agent.store import Store
from kernelwright.agent.suite.rows import Planned
from kernelwright.evaluator.phases import sha256_of
from kernelwright.evaluator.protocol import EnvironmentLacks, GpuUnhealthy, Job
from kernelwright.reference_kernels import TaskError, load_task
from loop_world import accepted, attempt, begin, evaluation, source
from rivals import COMPILED, EAGER, FLOOR, Rivals

Command = Callable[..., tuple[int, str, str]]
REFERENCE = "class Model: pass\ndef get_inputs(): pass\ndef get_init_inputs(): pass\n"

SEED, BEST = source(4.0), source(0.8)


@pytest.fixture
def rivals(monkeypatch: pytest.MonkeyPatch) -> Rivals:
    """The evaluators that the command opens, on a card that is not there."""
    found = Rivals()
    monkeypatch.setattr("kernelwright.evaluator.client.open_evaluator", found.open)
    monkeypatch.setattr("kernelwright.evaluator.devices.detect_card", lambda: CARD)
    return found


def task(name: str, seed: str | None = SEED, best: str | None = None) -> str:
    """A task folder in the working directory, with a best kernel in `best/`."""
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    (folder / "task.toml").write_text(f'name = "{name}"\ntitle = "a task"\n')
    (folder / "reference.py").write_text(REFERENCE)
    if seed is not None:
        (folder / "seed.py").write_text(seed)
    Path("best").mkdir(exist_ok=True)
    if best is not None:
        (Path("best") / f"{name}.py").write_text(best)
    return name


def rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(out)["tasks"]}


def contenders(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in row["contenders"]}


def bench(command: Command, *arguments: str) -> tuple[int, str, str]:
    return command("bench", "--kernels", "best", *arguments)


def test_kernels_that_pass_meet_pytorch_and_reach_a_part_of_the_floor(
    command: Command, rivals: Rivals
) -> None:
    code, out, _ = bench(command, task("one", best=BEST), "--json")
    assert code == 0 and list(rivals.met.values()) == [["eager", "compile", "seed", "best"]]
    row = rows(out)["one"]
    found = contenders(row)
    assert row["floor_ms"] == FLOOR and row["place"]["device"] == CARD.name
    assert {name: one["median_ms"] for name, one in found.items()} == {
        "eager": EAGER, "compile": COMPILED, "seed": 4.0, "best": 0.8
    }  # fmt: skip
    assert found["best"]["fraction_of_floor"] == pytest.approx(FLOOR / 0.8)
    assert found["best"]["speedup"] == pytest.approx(10.0) and found["best"]["origin"] == "one.py"
    assert found["best"]["kernel"] == sha256_of(BEST) and found["best"]["status"] == "passed"
    (figures,) = json.loads(out)["figures"]
    assert figures["over_compile"]["median"] == pytest.approx(2.5) and figures["faster_than_compile"] == 1


def test_a_kernel_that_does_not_pass_is_no_contender(command: Command, rivals: Rivals) -> None:
    code, out, err = bench(command, task("one", best=source(0.1, "incorrect")), "--json")
    assert code == 1 and err.splitlines()[-1] == "kernelwright: did not pass: one best (incorrect)"
    assert list(rivals.met.values()) == [["eager", "compile", "seed"]]
    best = contenders(rows(out)["one"])["best"]
    assert (best["status"], best["median_ms"], best["reason"]) == ("incorrect", None, "told to be incorrect")


def test_a_seed_that_is_the_best_is_judged_and_timed_once(command: Command, rivals: Rivals) -> None:
    code, out, _ = bench(command, task("one", best=SEED), "--json")
    found = contenders(rows(out)["one"])
    assert code == 0 and rivals.judged == [SEED] and next(iter(rivals.met.values()))[2:] == ["seed"]
    assert found["best"]["median_ms"] == found["seed"]["median_ms"] == 4.0


def test_without_seed_and_best_pytorch_is_alone(command: Command, rivals: Rivals) -> None:
    Path("48_Kernel-Bench.py").write_text(REFERENCE)
    Path("best").mkdir()
    code, out, _ = bench(command, "48_Kernel-Bench.py", "--json")
    found = contenders(rows(out)["48_Kernel_Bench"])
    assert code == 0 and list(rivals.met.values()) == [["eager", "compile"]]
    assert found["seed"]["reason"] == "the task has none" and found["best"]["reason"] == "no TASK.py in best"
    assert found["compile"]["fraction_of_floor"] == FLOOR / COMPILED


def test_the_best_comes_from_the_campaigns(command: Command, rivals: Rivals) -> None:
    path = str(Path(task("one")).absolute())
    with Store.open(Path(".kernelwright") / "campaigns.db") as store:
        campaign = begin(store, task=path, device="cuda")
        verdict = evaluation(0.8, kernel=store.put_text(BEST), against=("eager", 8.0))
        made = attempt(0, verdict, decision=accepted(), campaign=campaign.id, id=f"{campaign.id}.0")
        store.save_attempt(made)
    found = contenders(rows(command("bench", "one", "--json")[1])["one"])["best"]
    assert (found["origin"], found["place"]) == (made.id, ".kernelwright/campaigns.db")
    assert found["median_ms"] == 0.8 and rivals.judged == [SEED, BEST]


@pytest.mark.parametrize(
    "problem",
    [TaskError("it proves nothing"), EnvironmentLacks("no room for it"), GpuUnhealthy("the card is gone")],
    ids=["unproven", "no memory", "card lost"],
)
def test_a_task_that_fails_is_a_row_and_not_the_end(
    command: Command, rivals: Rivals, problem: Exception
) -> None:
    names = [task(name) for name in ("one", "two", "three")]
    rivals.failing = {str(Path("two").absolute()): problem}
    code, out, err = bench(command, *names, "--json")
    assert code == 1 and err.splitlines()[-1].endswith("did not pass: two (failed)")
    assert {name: row["failure"] for name, row in rows(out).items()} == {
        "one": None, "two": str(problem), "three": None
    }  # fmt: skip
    assert all(judge.closed for judge in rivals.opened)
    assert rows(command("bench", "--show", "--json")[1])["two"]["failure"] == str(problem)
    rivals.failing = {}
    assert bench(command, *names)[0] == 0 and len(rivals.tasks) == 4


def test_a_card_that_is_lost_twice_ends_the_run(command: Command, rivals: Rivals) -> None:
    names = [task(name) for name in ("one", "two", "three", "four")]
    gone = {str(Path(name).absolute()): GpuUnhealthy("the card is gone") for name in ("two", "three")}
    rivals.failing = dict(gone)
    code, out, err = bench(command, *names)
    assert code == 5 and "four" not in out and "one" in out
    assert err.splitlines()[-1] == (
        "kernelwright: the card is gone; `kernelwright bench one two three four --kernels best` goes on"
    )


def test_what_is_there_is_not_run_again(command: Command, rivals: Rivals) -> None:
    names = [task("one", best=BEST), task("two")]
    first = bench(command, *names, "--json")[1]
    code, out, err = bench(command, *names, "--json")
    assert (code, out) == (0, first) and len(rivals.tasks) == 2 and "one: done already" in err
    task("one", best=source(0.7))
    assert contenders(rows(bench(command, *names, "--json")[1])["one"])["best"]["median_ms"] == 0.7
    assert [Path(path).name for path in rivals.tasks] == ["one", "two", "one"]
    bench(command, *names, "--again")
    assert len(rivals.tasks) == 5


def changed(name: str, line: str) -> None:
    with (Path(name) / "task.toml").open("a") as file:
        file.write(line + "\n")


@pytest.mark.parametrize(
    "line", ["tolerance.eager_factor = 9.0", 'required = ["nominal"]', "small = [{ N = 3 }]", "bytes = 8"]
)
def test_a_task_that_was_changed_is_run_again(command: Command, rivals: Rivals, line: str) -> None:
    names = [task("one"), task("two")]
    bench(command, *names)
    changed("one", line)
    code, _, err = bench(command, *names)
    assert code == 0 and [Path(path).name for path in rivals.tasks] == ["one", "two", "one"]
    assert "1 of 2  one: run again: its task.toml has changed" in err.splitlines()
    assert "2 of 2  two: done already, in .kernelwright/bench.json" in err.splitlines()
    assert bench(command, *names)[0] == 0 and len(rivals.tasks) == 3


def test_what_is_for_people_alone_is_no_reason_to_run_again(command: Command, rivals: Rivals) -> None:
    bench(command, task("one"))
    toml = Path("one") / "task.toml"
    toml.write_text("# a comment\n" + toml.read_text().replace("a task", "a better title"))
    assert bench(command, "one")[0] == 0 and len(rivals.tasks) == 1


def test_a_row_out_of_date_says_why_until_it_is_run_again(command: Command, rivals: Rivals) -> None:
    names = [task("one"), task("two")]
    bench(command, *names)
    changed("two", "bytes = 8")
    rivals.before = interrupt
    assert bench(command, *names)[0] == 130
    why = "its task.toml has changed"
    assert {name: row["stale"] for name, row in rows(command("bench", "--show", "--json")[1]).items()} == {
        "one": None, "two": why
    }  # fmt: skip
    assert f"\ntwo is out of date: {why}\n" in command("bench", "--show")[1]
    rivals.before = lambda job: None
    rivals.failing = {str(Path("two").absolute()): TaskError("it proves nothing")}
    assert bench(command, *names)[0] == 1
    said = command("bench", "--show")[1]
    assert f"\ntwo is out of date: {why}; run again, it failed: it proves nothing\n" in said
    rivals.failing = {}
    assert bench(command, *names)[0] == 0 and "out of date" not in command("bench", "--show")[1]


def test_two_tasks_of_one_name_are_told_apart(command: Command, rivals: Rivals) -> None:
    shutil.copytree(task("one", best=source(0.1, "incorrect")), "mine/one")
    paths = [str(Path(path).absolute()) for path in ("one", "mine/one")]
    names = [f"one ({'/'.join(Path(path).parts[-2:])})" for path in paths]
    code, out, err = bench(command, "one", "mine/one")
    assert code == 1 and rivals.tasks == paths
    for number, name in enumerate(names, 1):
        assert f"\n{number} of 2  {name}: seed 4.00 ms" in err and f"{name} best (incorrect)" in err
        assert f"\n{name}  " in out and f"\n{name}, best (one.py): incorrect" in out
    assert f"it has {', '.join(sorted(names))}" in command("bench", "--show", "three")[2]


def interrupt(job: Job) -> None:
    """As Ctrl-C would, in the middle of the second task."""
    if job.task.endswith("two"):
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(command: Command, rivals: Rivals) -> None:
    names = [task("one"), task("two"), task("three")]
    rivals.before = interrupt
    code, out, err = bench(command, *names, "--json", "-o", "here.json")
    assert code == 130 and list(rows(out)) == ["one"]
    assert err.splitlines()[-1].endswith(
        "`kernelwright bench one two three --kernels best -o here.json` goes on"
    )
    assert [row.name for row in BenchFile(Path("here.json")).read().tasks] == ["one"]
    assert all(judge.closed for judge in rivals.opened)
    rivals.before, rivals.tasks = lambda job: None, []
    assert bench(command, *names, "-o", "here.json")[0] == 0
    assert [Path(path).name for path in rivals.tasks] == ["two", "three"]


def test_what_is_run_anew_goes_on_with_what_is_left(command: Command, rivals: Rivals) -> None:
    names = [task("one"), task("two"), task("three")]
    bench(command, *names)
    rivals.before = interrupt
    code, _, err = bench(command, *names, "--again")
    left = " ".join(str(Path(name).absolute()) for name in ("two", "three"))
    assert code == 130 and f"`kernelwright bench {left} --again --kernels best` goes on" in err


def test_a_task_that_another_process_is_at_is_left_to_it(command: Command, rivals: Rivals) -> None:
    names = [task("one"), task("two")]
    bench(command, *names)
    kept = BenchFile(DEFAULT_FILE)
    row = kept.read().tasks[0]
    planned = Planned(row.task, row.name, row.reference, "", None, None, "")
    with kept.claimed(planned, row.place) as free:
        assert free
        _, out, err = bench(command, *names, "--again", "--json")
        code, nothing, _ = bench(command, "one", "--again", "--json")
    assert list(rows(out)) == ["two"] and "one: left out: another process is at it" in err
    assert code == 0 and json.loads(nothing) == {"schema": 1, "tasks": [], "figures": []}
    assert len(rivals.tasks) == 3


def test_offline_there_are_verdicts_and_estimates_and_no_speedups(command: Command) -> None:
    """The real evaluator, with a best kernel that leaves out the last factor."""
    seed = load_task("softmax").seed_source() or ""
    Path("best").mkdir()
    (Path("best") / "softmax.py").write_text(
        seed.replace("tl.exp(x - maximum) * scale", "tl.exp(x - maximum)")
    )
    code, out, err = bench(command, "softmax", "--device", "offline", "--json")
    assert code == 1 and err.splitlines()[-1].endswith("did not pass: softmax best (incorrect)")
    row, figures = rows(out)["softmax"], json.loads(out)["figures"]
    found = contenders(row)
    assert found["seed"]["status"] == "passed" and found["seed"]["estimate"]["ms"] > row["floor_ms"] > 0
    assert found["best"]["status"] == "incorrect" and found["best"]["estimate"] is None
    assert found["eager"]["reason"] == found["compile"]["reason"] == "needs a card"
    assert all(
        one["median_ms"] is one["speedup"] is one["fraction_of_floor"] is None for one in found.values()
    )
    assert figures == [] and row["seconds"]["verdicts"] > 0
    assert "est." in command("bench", "--show")[1]


@pytest.mark.usefixtures("rivals")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nothing", "unknown task 'nothing'"),
        ("one --kernels nowhere", "there is no folder 'nowhere' with kernels"),
        ("one --store nowhere.db", "there is no store at"),
        ("one --device tpu", "unknown device 'tpu'"),
        ("one -o .", "'.' is a folder: name a file in it"),
        ("one -o other.json", "'other.json' was not written by this version of `kernelwright bench`"),
        ("one -o other.json/bench.json", "cannot be"),
        ("--show", "there is nothing in '.kernelwright/bench.json': `kernelwright bench` fills it"),
        ("--show -o nowhere.json", "`kernelwright bench -o nowhere.json` fills it"),
    ],
)
def test_usage(command: Command, line: str, words: str) -> None:
    task("one")
    Path("other.json").write_text("[1]")
    code, out, err = command("bench", *line.split())
    assert (code, out) == (2, "") and words in err.splitlines()[-1] and "Traceback" not in err
    assert Path("other.json").read_text() == "[1]"
