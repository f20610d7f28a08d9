"""The judge's process as a campaign sees it: what it inherits, what its death means, what it leaves behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.judge import Server
from kernelwright.evaluator.judge_process import without_secrets
from kernelwright.evaluator.processes import alive
from kernelwright.evaluator.protocol import EnvironmentLacks, GpuUnhealthy, Job
from kernelwright.evaluator.session_folder import session_folder, sweep
from kernelwright.reference_kernels import load_task

SEED = (load_task("layer_norm").folder / "seed.py").read_text()
JOB = Job(task="layer_norm", source=SEED, target="rtx-4090")


def quiet(_: str) -> None:
    """No progress."""


def test_a_name_that_says_secret_is_not_handed_on():
    kept = without_secrets(
        {"OPENAI_API_KEY": "1", "hf_token": "2", "MySecret": "3", "PGPASSWORD": "4", "PATH": "5"}
    )
    assert kept == {"PATH": "5"}


def test_the_judge_does_not_hold_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-secret")
    with JudgeClient("offline") as client:
        client.open("layer_norm", "rtx-4090")
        assert client._process is not None
        assert b"sk-secret-secret" not in Path(f"/proc/{client._process.pid}/environ").read_bytes()


def test_a_kernel_over_which_the_judge_dies_twice_has_failed_and_the_next_is_judged():
    with JudgeClient("offline") as client:
        client.open("layer_norm", "rtx-4090")
        started: set[int] = set()

        def murder(phrase: str) -> None:
            if client._process is not None and phrase == "correctness":
                started.add(client._process.pid)
                os.kill(client._process.pid, signal.SIGKILL)

        verdict = client.evaluate(JOB, murder)
        assert len(started) == 2
        assert verdict.status is Status.RUNTIME_ERROR
        assert verdict.reason == "the evaluator died twice on this kernel"
        assert (verdict.device, verdict.provenance) == ("offline", "estimated")
        broken = JOB.model_copy(update={"source": "no python"})
        assert client.evaluate(broken, quiet).status is Status.INVALID_SOURCE


@pytest.mark.parametrize("kind", ["cuda", "offline"])
def test_a_judge_that_never_starts_is_no_kernels_fault(monkeypatch, kind):
    monkeypatch.setattr("kernelwright.evaluator.judge_process.sys.executable", "/bin/false")
    with JudgeClient(kind) as client:
        with pytest.raises(GpuUnhealthy, match="died twice"):
            client.open("layer_norm", "rtx-4090")
        with pytest.raises(GpuUnhealthy, match="died twice"):
            client.evaluate(JOB, quiet)


def test_an_answer_that_is_no_evaluation_fails_the_kernel(monkeypatch):
    client = JudgeClient("offline")
    monkeypatch.setattr(client, "_ask", lambda request, progress: {"status": "passed"})
    verdict = client.evaluate(JOB, quiet)
    assert verdict.status is Status.RUNTIME_ERROR
    assert "ValidationError" in (verdict.reason or "")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server("offline", tmp_path_factory.mktemp("judge"))
    found.open("layer_norm", "rtx-4090", quiet)
    yield found
    found.close()


@pytest.mark.parametrize("problem", [ValueError("x"), OverflowError("x"), KeyError("x"), RecursionError("x")])
def test_a_surprise_while_judging_becomes_a_verdict_on_that_kernel(server, monkeypatch, problem):
    def raise_it(*_: object) -> None:
        raise problem

    monkeypatch.setattr(server._judge, "evaluate", raise_it)
    verdict = server.evaluate(JOB.model_dump(mode="json"), quiet)
    assert verdict["status"] == "runtime_error"
    assert type(problem).__name__ in verdict["reason"]


@pytest.mark.parametrize(
    "problem",
    [RuntimeError("cuMemFree failed with CUDA error 700"), GpuUnhealthy("gone"), EnvironmentLacks("no")],
)
def test_a_lost_card_still_ends_the_judge(server, monkeypatch, problem):
    def raise_it(*_: object) -> None:
        raise problem

    monkeypatch.setattr(server._judge, "evaluate", raise_it)
    with pytest.raises(type(problem)):
        server.evaluate(JOB.model_dump(mode="json"), quiet)


def test_what_a_dead_judge_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    code = (
        "import time\n"
        f"from {session_folder.__module__} import session_folder\n"
        "with session_folder() as folder:\n"
        "    (folder / 'source').write_text('x'); print(folder, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    (tmp_path / "kernelwright-link").symlink_to(tmp_path)
    sweep(tmp_path)
    assert (folder / "source").exists()
    process.kill()
    process.wait()
    process.stdout.close()
    sweep(tmp_path)
    assert not folder.exists()
    assert (tmp_path / "kernelwright-link").is_symlink()


def test_the_end_of_a_judge_removes_its_files(tmp_path):
    found = Server("offline", tmp_path)
    found.open("layer_norm", "rtx-4090", quiet)
    assert list(tmp_path.iterdir())
    found.end()
    assert not list(tmp_path.iterdir())


def children():
    return sorted(one.pid for one in alive() if one.parent == os.getpid())


def test_the_next_task_has_the_same_parents_of_runners(tmp_path):
    found = Server("offline", tmp_path)
    others = children()
    try:
        found.open("softmax", "rtx-4090", quiet)
        first = children()
        found.open("sum_middle", "h200", quiet)
        assert len(first) > len(others) and children() == first
        job = Job(task="sum_middle", source=load_task("sum_middle").seed_source(), target="h200")
        assert found.evaluate(job.model_dump(), quiet)["status"] == "passed"
    finally:
        found.end()
    assert children() == others
