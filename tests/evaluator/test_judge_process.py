"""A task's own code runs in the judge; whatever it does to that process is told as its own fault, once."""

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest
from kernelwright.evaluator import judge_process
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.judge_process import JudgeDied, JudgeProcess
from kernelwright.evaluator.reference import patience
from kernelwright.reference_kernels import TaskError

FILE = """
import ctypes, os, signal, subprocess
import torch
{at_import}

class Model(torch.nn.Module):
    def forward(self, x):
        {in_forward}
        return torch.relu(x)

def get_inputs():
    return [torch.randn(8, 8)]

def get_init_inputs():
    return []
"""
LEAVES_ONE = (
    "kept = subprocess.Popen(['sleep', '1000']); open('{pid}', 'w').write(str(kept.pid)); os._exit(3)"
)
HANGS = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); ctypes.CDLL(None).pause()"
WRITES = """
for number in range(3, 64):
    try:
        os.write(number, b'junk')
    except OSError:
        pass
"""


def quiet(_: str) -> None:
    """No progress."""


@pytest.fixture
def written(tmp_path):
    def write(at_import="", in_forward="pass"):
        path = tmp_path / "problem.py"
        path.write_text(FILE.format(at_import=at_import, in_forward=in_forward))
        return str(path)

    return write


@pytest.fixture
def judge():
    with tempfile.TemporaryFile("w+") as log:
        process = JudgeProcess("offline", (), log)
        yield process
        process.close()


def asked(process, task):
    return process.ask({"op": "prove", "task": task}, quiet)


def gone(pid):
    """Whether that process has ended, or ends within seconds: a killed one does not do so at once."""
    for _ in range(500):
        try:
            if Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False


def test_one_that_exits_at_its_import_is_told_with_its_code_and_leaves_nothing(judge, written, tmp_path):
    task = written(at_import=LEAVES_ONE.format(pid=tmp_path / "pid"))
    with pytest.raises(JudgeDied) as died:
        asked(judge, task)
    says = f"'{task}' does not run: its import ended the evaluator's process with exit code 3; "
    assert (died.value.fault or "").startswith(says)
    assert gone(int((tmp_path / "pid").read_text()))


def test_one_that_crashes_in_forward_is_told_with_the_signal(judge, written):
    task = written(in_forward="ctypes.string_at(0)")
    with pytest.raises(JudgeDied) as died:
        asked(judge, task)
    assert "forward ended the evaluator's process by SIGSEGV; " in (died.value.fault or "")


def test_one_that_closes_every_file_is_told(judge, written):
    with pytest.raises(JudgeDied) as died:
        asked(judge, written(at_import="os.closerange(0, 1000)"))
    assert "its import closed files that are not its own and ended" in (died.value.fault or "")


def test_one_that_writes_into_every_file_is_told_and_its_judge_ended(judge, written):
    task = written(at_import=WRITES)
    with pytest.raises(TaskError, match=r"problem.py' does not run: it writes to files that are not its own"):
        asked(judge, task)
    assert judge.ended


def test_a_call_into_c_that_never_returns_is_ended_from_without(judge, written, monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    monkeypatch.setattr(judge_process, "_GRACE_SECONDS", 0.0)
    with pytest.raises(TaskError, match=r"problem.py' does not run: its import did not end within 0.2 s"):
        asked(judge, written(at_import=HANGS))
    assert gone(judge.pid)


def test_one_that_asks_for_input_gets_none(judge, written):
    with pytest.raises(TaskError, match="cannot be imported: EOFError"):
        asked(judge, written(at_import="input()"))
    assert not judge.ended


def test_what_one_prints_or_forks_is_no_answer(judge, written, tmp_path):
    forks = f"if pid := os.fork():\n    open('{tmp_path}/pid', 'w').write(str(pid))"
    assert asked(judge, written(at_import=f"print('x' * 1_000_000)\nos.system('echo 1')\n{forks}"))["proven"]
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_ends_the_judge_each_time_is_the_tasks_fault(written):
    with JudgeClient("offline") as client, pytest.raises(TaskError, match="its import ended the evaluator's"):
        client.prove(written(at_import="os.kill(os.getpid(), signal.SIGKILL)"), quiet)


def test_what_ends_the_judge_once_is_nobodys(written, tmp_path):
    once = f"if not os.path.exists('{tmp_path}/once'):\n    open('{tmp_path}/once', 'w').close()\n    os._exit(1)"
    with JudgeClient("offline") as client:
        assert client.prove(written(at_import=once), quiet).proven


def test_a_judge_that_dies_while_no_task_runs_is_not_the_tasks_fault(judge, written):
    with pytest.raises(TaskError, match="ValueError: no"):
        asked(judge, written(at_import="raise ValueError('no')"))
    os.kill(judge.pid, signal.SIGKILL)
    with pytest.raises(JudgeDied) as died:
        asked(judge, written())
    assert died.value.fault is None


class _Enough(Exception):
    """A client that waits no longer."""


def test_a_judge_at_work_that_is_closed_ends_by_itself_and_leaves_no_folder(written, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def enough(_: str) -> None:
        assert list(tmp_path.glob("kernelwright-*"))
        raise _Enough

    with tempfile.TemporaryFile("w+") as log:
        process = JudgeProcess("offline", (), log)
        with pytest.raises(_Enough):
            process.ask({"op": "prove", "task": written(at_import="import time; time.sleep(250)")}, enough)
        process.close()
    assert not list(tmp_path.glob("kernelwright-*"))
