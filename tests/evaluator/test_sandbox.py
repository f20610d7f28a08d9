"""The sandbox, tried for real: environment, limits, and (where bubblewrap works) network and files."""

import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from kernelwright.evaluator import sandbox

needs_bubblewrap = pytest.mark.skipif(
    sandbox.level() != "bubblewrap", reason=f"bubblewrap is not usable: {sandbox.bubblewrap_problem()}"
)


def run(tmp_path: Path, code: str, seconds: float = 30) -> str:
    """What a confined Python process prints."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    log = tmp_path / "log"
    process = sandbox.start(
        [sys.executable, "-P", "-c", code], folder=home, env=sandbox.environment(home), log=log
    )
    try:
        process.wait(timeout=seconds)
    finally:
        sandbox.kill_group(process)
    return log.read_text()


def test_keys_do_not_reach_a_confined_process(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret-secret")
    out = run(tmp_path, "import os, json; print(json.dumps(dict(os.environ)))")
    assert "secret-secret" not in out
    assert "OPENAI" not in out


def test_home_and_tmp_are_the_private_folder(tmp_path):
    out = run(
        tmp_path,
        "import os, json; print(json.dumps([os.environ['HOME'], os.environ['TMPDIR'], os.getcwd()]))",
    )
    assert set(json.loads(out)) == {str(tmp_path / "home")}


def test_no_core_dumps_and_a_cap_on_files_and_processes(tmp_path):
    code = (
        "import resource as r; "
        "print(r.getrlimit(r.RLIMIT_CORE)[0], r.getrlimit(r.RLIMIT_FSIZE)[0], r.getrlimit(r.RLIMIT_NPROC)[0])"
    )
    core, size, processes = map(int, run(tmp_path, code).split())
    assert core == 0
    assert 0 < size <= 4 << 30
    assert 0 < processes <= 4096


@needs_bubblewrap
def test_no_network(tmp_path):
    server = socket.create_server(("127.0.0.1", 0))
    code = (
        "import socket\n"
        "try:\n"
        f"    socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 3); print('reached')\n"
        "except OSError as error: print('refused')\n"
    )
    with server:
        assert run(tmp_path, code).strip() == "refused"


@needs_bubblewrap
def test_no_write_outside_its_folder(tmp_path):
    target = tmp_path / "outside"
    code = (
        "from pathlib import Path\n"
        "Path('inside').write_text('x')\n"
        "try:\n"
        f"    Path({str(target)!r}).write_text('x')\n"
        "except OSError: print('refused')\n"
    )
    run(tmp_path, code)
    assert not target.exists()
    assert (tmp_path / "home" / "inside").exists()


@needs_bubblewrap
def test_other_processes_cannot_be_seen(tmp_path):
    assert int(run(tmp_path, "import os; print(os.getpid())")) < 10


@needs_bubblewrap
def test_an_installation_below_tmp_stays_visible(monkeypatch):
    home = Path(tempfile.mkdtemp(dir="/tmp"))
    installed = Path(tempfile.mkdtemp(dir="/tmp"))
    (installed / "carried.py").write_text("VALUE = 42")
    try:
        monkeypatch.syspath_prepend(str(installed))
        monkeypatch.setenv("PYTHONPATH", str(installed))
        assert run(home, "import carried; print(carried.VALUE)").strip() == "42"
    finally:
        shutil.rmtree(home)
        shutil.rmtree(installed)
