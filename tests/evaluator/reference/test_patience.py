"""A task's own code can neither hang the judge nor end it."""

import signal
import threading

import pytest
from kernelwright.evaluator.reference import patience
from kernelwright.evaluator.reference.facts import task_facts
from kernelwright.evaluator.reference.oracle import Oracle
from kernelwright.reference_kernels import TaskError, load_task

# An alarm may fall into a callback of the garbage collector, which swallows it; it is told again a second later.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

FILE = """
import time
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)

def get_inputs():
    return [torch.randn(8, 8)]

def get_init_inputs():
    return []
"""
DRAWN, ANSWER = "return [torch.randn(8, 8)]", "return torch.relu(x)"
SWALLOWS = """
        while True:
            try:
                while True:
                    pass
            except Exception:
                pass
"""
HANGING = {
    "import": (FILE + "\nwhile True:\n    pass\n", "its import"),
    "get_inputs": (FILE.replace(DRAWN, "time.sleep(1000)"), "its Model, get_inputs or forward"),
    "forward that catches": (FILE.replace(f"        {ANSWER}", SWALLOWS), "its Model, get_inputs or forward"),
}


@pytest.fixture
def facts(tmp_path):
    def ask(text):
        path = tmp_path / "problem.py"
        path.write_text(text)
        return task_facts(load_task(str(path)))

    ask(
        FILE
    )  # torch imports more of itself at its first use, and an alarm in the middle of that would break it
    return ask


@pytest.mark.parametrize("where", HANGING)
def test_what_hangs_is_told_after_a_while(facts, monkeypatch, where):
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    text, says = HANGING[where]
    with pytest.raises(TaskError, match=rf"problem.py' does not run: {says} did not end within 0.2 s$"):
        facts(text)


def test_an_exit_in_the_file_is_its_own_fault(facts):
    with pytest.raises(TaskError, match="does not run: its import calls exit"):
        facts(FILE + "\nraise SystemExit(0)\n")


ON_VALUES = {
    "hangs": ("while not x.is_meta:\n            pass", 0.2, "its forward did not end within 0.2 s"),
    "exits": ("if not x.is_meta:\n            raise SystemExit", patience.SECONDS, "its forward calls exit"),
}


@pytest.mark.parametrize("what", ON_VALUES)
def test_what_a_forward_does_on_values_alone_is_told(tmp_path, monkeypatch, what):
    line, seconds, says = ON_VALUES[what]
    path = tmp_path / "problem.py"
    path.write_text(FILE.replace(f"        {ANSWER}", f"        {line}\n        {ANSWER}"))
    oracle = Oracle(load_task(str(path)), "cpu")
    inputs = oracle.draw_inputs("nominal")
    monkeypatch.setattr(patience, "SECONDS", seconds)
    with pytest.raises(TaskError, match=rf"problem.py' does not run: {says}$"):
        oracle.answer(inputs)


def test_a_family_that_takes_too_long_is_not_left_out(tmp_path, monkeypatch):
    path = tmp_path / "problem.py"
    slow = "while not x.is_meta and float(x.abs().max()) > 20:\n            pass"
    path.write_text(FILE.replace(f"        {ANSWER}", f"        {slow}\n        {ANSWER}"))
    oracle = Oracle(load_task(str(path)), "cpu")
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    with pytest.raises(patience.Overdue):
        oracle.case("huge")


def test_the_process_gets_its_alarm_back(facts):
    before = signal.getsignal(signal.SIGALRM)
    facts(FILE)
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_beside_the_main_thread_it_runs_without_a_limit(facts):
    found = []
    thread = threading.Thread(target=lambda: found.append(facts(FILE)))
    thread.start()
    thread.join()
    assert found[0].outputs[0].shape == [8, 8]
