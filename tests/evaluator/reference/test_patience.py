"""A task's own code can neither hang the judge nor end it."""

import signal
import threading

import pytest
from kernelwright.evaluator.reference import patience
from kernelwright.evaluator.reference.facts import task_facts
from kernelwright.reference_kernels import TaskError, load_task

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
