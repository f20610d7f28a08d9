"""The sandbox, tried for real: environment, limits, and (where bubblewrap works) network and files."""

import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from kernelwright.evaluator import hidden, sandbox

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
    assert size == 1 << 30
    assert 4096 < processes < 1 << 20


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
    code = "import os; print([name for name in os.listdir('/proc') if name.isdigit()])"
    assert run(tmp_path, code).strip() == "['1']"


@needs_bubblewrap
def test_no_process_inside_has_a_capability_and_nothing_can_be_mounted(tmp_path):
    code = (
        "import ctypes, glob, re\n"
        "for path in glob.glob('/proc/[0-9]*/status'):\n"
        "    print(re.search('CapEff:\\\\s*(\\\\w+)', open(path).read())[1])\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.mount(b'none', b'/mnt', b'tmpfs', 0, None), libc.umount2(b'/tmp', 2), libc.unshare(0x20000))\n"
    )
    *capabilities, tried = run(tmp_path, code).splitlines()
    assert capabilities == ["0" * 16]
    assert tried == "-1 -1 -1"


@needs_bubblewrap
def test_its_folder_is_the_only_writable_place(tmp_path):
    code = (
        "import os\n"
        "mounts = {line.split()[4] for line in open('/proc/self/mountinfo')}\n"
        "usual = {'/', '/dev', '/dev/shm', '/tmp', '/var/tmp', '/run', '/root', '/home', '/proc/sys/kernel', '/etc'}\n"
        "above = os.getcwd()\n"
        "while above != '/': usual.add(above := os.path.dirname(above))\n"
        "for place in sorted(mounts | usual | {os.getcwd()}):\n"
        "    try: os.close(os.open(place + '/probe', os.O_WRONLY | os.O_CREAT)); print(place)\n"
        "    except OSError: pass\n"
    )
    assert run(tmp_path, code).split() == [str(tmp_path / "home")]


@needs_bubblewrap
@pytest.mark.parametrize("file", ["/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness", "/dev/tty"])
def test_what_reaches_beyond_the_sandbox_does_not_open_for_writing(tmp_path, file):
    """A root without capabilities may still write most of /proc/sys, where its mount allows that."""
    code = (
        f"import os\ntry: os.open({file!r}, os.O_WRONLY); print('opened')\nexcept OSError: print('refused')\n"
    )
    assert run(tmp_path, code).strip() == "refused"


@needs_bubblewrap
def test_devices_and_shared_maps_still_work(tmp_path):
    code = (
        "import mmap, os\n"
        "open('/dev/null', 'wb').write(b'x'); print(len(open('/dev/urandom', 'rb').read(8)))\n"
        "os.pwrite(os.memfd_create('m'), b'x', 0); mmap.mmap(-1, 1 << 20)\n"
        "print(len(os.listdir('/proc/self/fd')) > 3)\n"
    )
    assert run(tmp_path, code).split() == ["8", "True"]


@needs_bubblewrap
def test_a_home_and_temporary_files_elsewhere_are_hidden_too(tmp_path, monkeypatch):
    try:
        elsewhere = Path(tempfile.mkdtemp(dir=Path(__file__).parent))
    except OSError:
        pytest.skip("there is no other place to write to")
    try:
        for name, variable in (("home", "HOME"), ("temporary", "TMPDIR")):
            (elsewhere / name).mkdir()
            (elsewhere / name / "the-api-key").write_text("secret-secret")
            monkeypatch.setenv(variable, str(elsewhere / name))
        monkeypatch.setattr(tempfile, "tempdir", None)
        code = f"import glob; print(glob.glob('{elsewhere}/**', recursive=True))"
        seen = run(tmp_path, code)
    finally:
        shutil.rmtree(elsewhere)
    assert str(elsewhere / "home") in seen
    assert "the-api-key" not in seen


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


@needs_bubblewrap
@pytest.mark.parametrize("place", ["/run", "/var/tmp", "/home", str(Path.home())])
def test_a_socket_or_a_secret_in_a_hidden_place_is_out_of_reach(tmp_path, place):
    try:
        folder = Path(tempfile.mkdtemp(dir=place))
    except OSError:
        pytest.skip(f"{place} cannot be written here")
    server = socket.socket(socket.AF_UNIX)
    try:
        (folder / "key").write_text("secret-secret")
        server.bind(str(folder / "s"))
        server.listen()
        code = (
            "import socket\n"
            f"try: socket.socket(socket.AF_UNIX).connect({str(folder / 's')!r}); print('reached')\n"
            "except OSError: print('refused')\n"
            f"try: print(open({str(folder / 'key')!r}).read())\n"
            "except OSError: print('refused')\n"
        )
        assert run(tmp_path, code).split() == ["refused", "refused"]
    finally:
        server.close()
        shutil.rmtree(folder)


@needs_bubblewrap
def test_a_readable_folder_cannot_be_written(tmp_path):
    home, given = tmp_path / "home", tmp_path / "given"
    home.mkdir()
    given.mkdir()
    (given / "source").write_text("as given")
    path = str(given / "source")
    code = f"print(open({path!r}).read())\ntry: open({path!r}, 'w')\nexcept OSError: print('refused')\n"
    log = tmp_path / "log"
    process = sandbox.start(
        [sys.executable, "-P", "-c", code],
        folder=home,
        readable=[given],
        env=sandbox.environment(home),
        log=log,
    )
    process.wait(timeout=30)
    assert log.read_text().splitlines() == ["as given", "refused"]


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bwrap is not installed")
def test_a_wrapping_that_hides_the_interpreter_is_found_out(monkeypatch):
    monkeypatch.setattr(hidden, "_needed", list)
    monkeypatch.setattr(hidden, "_HIDDEN", (sys.base_prefix,))
    assert sandbox.bubblewrap_problem.__wrapped__() is not None


def test_a_tool_in_a_home_brings_its_installation_and_not_the_home(monkeypatch):
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        for place in ("bin/gcc", "toolkit/bin/nvcc", "toolkit/lib/x"):
            (home / place).parent.mkdir(parents=True, exist_ok=True)
            (home / place).write_text("#!/bin/sh\n")
            (home / place).chmod(0o755)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("PATH", f"{home}/bin:{home}/toolkit/bin")
        assert hidden.mounts([home]) == [(home, False), (home / "bin", True), (home / "toolkit", True)]
    finally:
        shutil.rmtree(home)


def test_a_home_in_a_shown_folder_is_covered_again(monkeypatch):
    outer = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        home = outer / "clone" / "home"
        home.mkdir(parents=True)
        monkeypatch.setattr(hidden, "_needed", lambda: [outer / "clone"])
        assert hidden.mounts([outer, home]) == [(outer, False), (outer / "clone", True), (home, False)]
    finally:
        shutil.rmtree(outer)
