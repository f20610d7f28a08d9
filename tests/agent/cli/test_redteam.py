"""`redteam`: the table, the figures, the exit code and the file, from real runs of a few kernels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kernelwright.agent.cli.output import show
from kernelwright.agent.views.redteam import defences, results
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.evaluation import Evaluation
from kernelwright.evaluator.outcomes import Outcome, Report
from kernelwright.evaluator.protocol import Job, Progress
from kernelwright.reference_kernels import load_task

Command = Callable[..., tuple[int, str, str]]
SOFTMAX = load_task("softmax")
SEED = SOFTMAX.seed_source() or ""
UNSCALED = SEED.replace("tl.exp(x - maximum) * scale", "tl.exp(x - maximum)")

# As a person would put a folder of their own to the test, with some that do not do what they say.
KERNELS = {
    "hostile/harmless": ("expected: rejected", "Timing: claims to cheat and does not.", SEED),
    "hostile/unseen": (
        "expected: rejected, offline passed",
        "Replay: does on a card what it does not here.",
        SEED,
    ),
    "wrong/unscaled": ("expected: incorrect", "Leaves out the last factor.", UNSCALED),
    "wrong/misjudged": ("expected: timeout", "Is wrong in another way than it says.", UNSCALED),
    "honest/unscaled": ("expected: passed", "Control: is no honest kernel at all.", UNSCALED),
    "honest/seed": ("expected: passed", "Control: is the seed kernel itself.", SEED),
}
MEANT = {
    "hostile/harmless": Outcome.ACCEPTED,
    "hostile/unseen": Outcome.NEEDS_CARD,
    "wrong/unscaled": Outcome.REFUSED,
    "wrong/misjudged": Outcome.OTHER,
    "honest/unscaled": Outcome.WRONGLY_REFUSED,
    "honest/seed": Outcome.PASSED,
}


def kernelwright(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "kernelwright.agent", "redteam", *map(str, arguments)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Report]:
    """One command over a task folder with six kernels: what it printed, and the file that it left."""
    folder = tmp_path_factory.mktemp("task") / "softmax"
    for name, (expected, sentence, source) in KERNELS.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""{expected}\n\n{sentence}\n"""\n\n{source}')
    for name in ("reference.py", "task.toml", "seed.py"):
        (folder / name).write_text((SOFTMAX.folder / name).read_text())
    argv = kernelwright("--task", folder, "--device", "offline", "-o", folder / "out.json")
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=200, check=False, env={**os.environ, "COLUMNS": "160"}
    )
    return done, Report.model_validate_json((folder / "out.json").read_text())


def test_each_kernel_is_judged_by_what_it_said(run: tuple[Any, Report]) -> None:
    _, report = run
    found = {result.kernel.removeprefix("softmax/"): result.outcome for result in report.results}
    assert found == MEANT
    assert (report.accepted, report.wrongly_refused, report.planned) == (1, 1, len(KERNELS))
    assert all(result.evaluation and result.seconds > 0 for result in report.results)


def test_the_exit_code_and_the_last_words_name_both_figures(run: tuple[Any, Report]) -> None:
    done, _ = run
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "kernelwright: hostile or wrong kernels accepted: 1, honest kernels refused: 1"
    )
    assert "hostile or wrong, and accepted 1 of 4" in done.stdout
    assert "honest, and refused            1 of 2" in done.stdout


def test_the_table_has_a_row_for_each_and_a_line_for_each_kind(run: tuple[Any, Report]) -> None:
    lines = run[0].stdout.splitlines()
    head = next(line for line in lines if line.startswith("kind "))
    for column in ("kernel", "what it tries", "expected", "found", "refused by"):
        assert column in head
    rows = {(line.split()[0], line.split()[1]): line for line in lines if " softmax/" in line}
    assert "nobody" in rows["Timing", "softmax/harmless"]
    assert "needs a card" in rows["Replay", "softmax/unseen"]
    assert (
        "incorrect" in rows["Mistake", "softmax/unscaled"] and "budget" in rows["Mistake", "softmax/unscaled"]
    )
    assert len(rows) == len(KERNELS)
    assert "Mistake       2 kernels: 1 refused, 1 refused otherwise" in lines
    assert "Control       2 kernels: 1 passed, 1 wrongly refused" in lines


def test_what_needs_a_look_has_its_reason(run: tuple[Any, Report]) -> None:
    out = run[0].stdout
    assert "softmax/hostile/harmless, accepted: every check was passed" in out
    assert "softmax/wrong/misjudged, refused otherwise: wrong on nominal inputs" in out
    assert "softmax/honest/unscaled, wrongly refused: wrong on nominal inputs" in out


def test_progress_names_the_kernel_and_its_place(run: tuple[Any, Report]) -> None:
    done, report = run
    assert [line.split()[:4] for line in done.stderr.splitlines() if " of 6 " in line] == [
        [str(number), "of", "6", result.kernel] for number, result in enumerate(report.results, 1)
    ]


def test_a_narrow_terminal_gets_lines_instead_of_columns(
    run: tuple[Any, Report], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show(results(run[1]))
    out = capsys.readouterr().out
    assert (
        "softmax/harmless  Timing\n  claims to cheat and does not.\n  rejected expected, passed (nobody)"
        in out
    )


def test_kernels_that_are_refused_as_they_must_be_are_fine(command: Command) -> None:
    code, out, err = command(
        "redteam", "--task", "layer_norm", "--only", "no_forward", "--only", "no_model_new",
        "--device", "offline", "--without", "poison,budget", "--json",
    )  # fmt: skip
    report = Report.model_validate_json(out)
    assert code == 0 and "no_model_new" in err
    assert [result.refused_by for result in report.results] == ["source check", "source check"]
    assert [str(defence) for defence in report.without] == ["budget", "poison"]
    for result in report.results:
        assert result.evaluation and "switched off: budget, poison" in result.evaluation.warnings


def test_a_killed_run_leaves_a_whole_file(tmp_path: Path) -> None:
    """The second kernel takes half a minute, so the first one's result is there alone when it is killed."""
    file = tmp_path / "out.json"
    argv = kernelwright(
        "--task", "layer_norm", "--only", "no_forward", "--only", "waits_forever", "--device", "offline",
        "--output", file,
    )  # fmt: skip
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 100
        while not (found := results_in(file)) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [result["kernel"] for result in found] == ["layer_norm/wrong/no_forward"]
    assert json.loads(file.read_text())["planned"] == 2


def results_in(file: Path) -> list[dict[str, Any]]:
    """The file is empty only between being made and its first report."""
    text = file.read_text() if file.exists() else ""
    results: list[dict[str, Any]] = json.loads(text)["results"] if text else []
    return results


class Lost(JudgeClient):
    """Its process is killed over the second kernel, and no other can be started."""

    asked = 0

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        self.asked += 1
        if self.asked == 2:
            assert self._process is not None
            os.kill(self._process.pid, signal.SIGKILL)
            sys.executable = "/bin/false"
        return super().evaluate(job, progress)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("kernelwright.evaluator.redteam.JudgeClient", Lost)
    monkeypatch.setattr(sys, "executable", sys.executable)
    yield


@pytest.mark.usefixtures("lost")
def test_a_lost_card_is_recorded_and_ends_the_run(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    code, out, err = command(
        "redteam", "--task", "layer_norm", "--only", "no_forward", "--only", "no_model_new", "--only", "odd_block",
        "--device", "offline", "-o", file,
    )  # fmt: skip
    report = Report.model_validate_json(file.read_text())
    assert code == 5 and "kernelwright doctor" in err.splitlines()[-1]
    assert [result.outcome for result in report.results] == [Outcome.REFUSED, Outcome.CARD_LOST]
    assert report.stopped and "died twice" in report.stopped
    assert "stopped after 2 of 3: the evaluator died twice" in out


def test_a_defence_is_shown_by_its_witness(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = command(
        "redteam", "--defences", "--only", "inputs_kept", "--only", "clock", "--only", "watch",
        "--device", "offline", "--json",
    )  # fmt: skip
    report = Report.model_validate_json(out)
    assert code == 0 and "layer_norm/wrong/overwrites_input without inputs_kept" in err
    assert {row.defence.value: row.found.value for row in report.defences} == {
        "inputs_kept": "shown",
        "clock": "needs a card",
        "watch": "tested apart",
    }
    show(defences(report))
    assert "1 of 3 shown, 1 needs a card, 1 tested apart" in capsys.readouterr().out
    row = report.defences[0]
    assert row.on and row.on.refused_by == "inputs_kept" and row.off and row.off.status == "passed"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--task nothing", "unknown task 'nothing'"),
        ("--only lazy_tenser", "unknown kernel 'lazy_tenser'"),
        ("--only copies_inputs", "copies_input"),
        ("--without budgets", "unknown defence 'budgets': try budget"),
        ("--without ,", "unknown defence ''"),
        ("--defences --without budget", "choose --defences or --without"),
        ("--defences --only clocks", "unknown defence 'clocks': try clock"),
        ("--defences --task nothing", "unknown task with a witness 'nothing'"),
        ("--device tpu", "unknown device 'tpu'"),
        ("--only no_forward -o there.json", "'there.json' exists"),
        ("--only no_forward -o .", "'.' is a folder: name a file in it"),
        ("--only no_forward -o nowhere/out.json", "'nowhere/out.json' cannot be written"),
    ],
)
def test_usage(command: Command, line: str, words: str) -> None:
    Path("there.json").write_text("{}")
    code, out, err = command("redteam", *line.split())
    assert (code, out) == (2, "") and words in err.splitlines()[-1] and "Traceback" not in err
    assert Path("there.json").read_text() == "{}"


def test_what_attacks_the_machine_is_not_run_without_bubblewrap(tmp_path: Path) -> None:
    argv = kernelwright("--task", "layer_norm", "--device", "offline")
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False, env=environment)
    assert (done.returncode, done.stdout) == (3, "")
    assert "apt-get install bubblewrap" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_a_task_without_kernels_is_named(command: Command) -> None:
    folder = Path("empty")
    folder.mkdir()
    for name in ("reference.py", "task.toml"):
        (folder / name).write_text((SOFTMAX.folder / name).read_text())
    code, _, err = command("redteam", "--task", "empty", "--device", "offline")
    assert code == 2 and "there is nothing to judge" in err.splitlines()[-1]
