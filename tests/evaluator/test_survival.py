"""What hostile candidates try against the machine and each other, through real runners, in both kinds of sandbox."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kernelwright.evaluator import hidden, processes, sandbox
from kernelwright.evaluator.defences import Defence
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.exchange import create_memory_arena
from kernelwright.evaluator.orders import Load
from kernelwright.evaluator.runners import Failure, Runner, WarmParent
from kernelwright.evaluator.session_folder import session_folder
from kernelwright.evaluator.watch import default_limits

LIMITS = replace(default_limits(), processes=40, memory=3 << 29, disk=100 << 20)
FORGET = (sandbox.level, sandbox.bubblewrap_problem)


@pytest.fixture(scope="module", params=["bubblewrap", "process"])
def level(request, tmp_path_factory) -> Iterator[str]:
    """That kind of sandbox for real: where no bwrap is on the PATH, a plain process is all there is."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "process":
            patch.setenv("PATH", str(tmp_path_factory.mktemp("bin")))
            for found in FORGET:
                found.cache_clear()
        if sandbox.level() != request.param:
            pytest.skip(f"bubblewrap is not usable: {sandbox.bubblewrap_problem()}")
        yield request.param
    for found in FORGET:
        found.cache_clear()


@pytest.fixture(scope="module")
def parent(level, tmp_path_factory) -> Iterator[WarmParent]:
    warm = WarmParent(tmp_path_factory.mktemp(level), kind="interpreting", limits=LIMITS)
    yield warm
    warm.close()
    assert left_behind(warm.folder) == []


def enter(runner: Runner) -> None:
    folder = str(runner.folder)
    runner.ask("enter", 60, "starting", folder=folder, cache=folder, gpu=None, cuda=False)


def load(parent: WarmParent, runner: Runner, code: str, seconds: float = 60) -> None:
    arena = create_memory_arena(512)
    order = Load(str(parent.places.source(code)), "ModelNew", [], arena.address)
    runner.ask("load", seconds, "being imported", arena.descriptors, load=order)


def attempt(parent: WarmParent, code: str, seconds: float = 60) -> Failure:
    """How a candidate of this code fails."""
    with parent.fork() as runner:
        enter(runner)
        with pytest.raises(Failure) as caught:
            load(parent, runner, code, seconds)
    return caught.value


def said(parent: WarmParent, code: str) -> str:
    """What the code put into ``out``, which it says by failing."""
    reason = attempt(parent, f"out = []\n{code}\nraise ValueError(f'said {{out}}')\n").reason
    return reason.rpartition("said ")[2]


def left_behind(folder: Path) -> list[int]:
    """Processes that were started for a sandbox in this folder: their environment names it."""
    found = []
    for process in processes.alive():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            continue
        if f"HOME={folder}/private\0".encode() in environment:
            found.append(process.pid)
    return found


def works(parent: WarmParent) -> bool:
    return attempt(parent, "raise ValueError('works')").reason.endswith("works")


def test_a_killed_runner_is_a_failure_and_the_next_one_works(parent):
    failure = attempt(parent, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert failure.status is Status.RUNTIME_ERROR
    assert "died" in failure.reason
    assert works(parent)


def test_a_stopped_runner_times_out_and_is_gone(parent):
    failure = attempt(parent, "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", seconds=1)
    assert failure.status is Status.TIMEOUT
    assert works(parent)


def test_a_runner_that_closes_its_socket_and_lives_on_is_ended(parent):
    code = (
        "import os, time\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "os.closerange(3, 64)\n"
        "while True: time.sleep(1)\n"
    )
    before = left_behind(parent.folder)
    failure = attempt(parent, code)
    assert failure.status is Status.RUNTIME_ERROR
    assert "died" in failure.reason
    assert left_behind(parent.folder) == before


def test_an_answer_without_end_is_refused(parent):
    code = (
        "import gc, socket, struct\n"
        "own = [thing for thing in gc.get_objects() if isinstance(thing, socket.socket)]\n"
        "for thing in own:\n"
        "    try:\n"
        "        thing.sendall(struct.pack('!Q', 1 << 40))\n"
        "        while True: thing.sendall(b'x' * 65536)\n"
        "    except OSError: pass\n"
    )
    failure = attempt(parent, code)
    assert failure.status is Status.RUNTIME_ERROR
    assert "at most" in failure.reason


def test_a_child_in_its_own_session_dies_with_its_runner(parent):
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(600)\n"
        "    os._exit(0)\n"
        "time.sleep(0.2); raise ValueError('left one behind')\n"
    )
    before = left_behind(parent.folder)
    assert "left one behind" in attempt(parent, code).reason
    assert left_behind(parent.folder) == before


def test_a_locked_folder_does_not_stop_the_next_runner(parent):
    assert said(parent, "import os\nos.chmod('..', 0)\nos.chmod('.', 0)\n") == "[]"
    assert works(parent)
    assert list(parent.places.private.glob("run-*")) == []


def test_a_killed_parent_leaves_nothing_and_is_started_again(parent, level):
    code = (
        "import os, signal, time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(600)\n"
        "        os._exit(0)\n"
        "time.sleep(0.2)\n"
        "os.kill(os.getppid(), signal.SIGKILL)\n"
        "time.sleep(0.2); raise ValueError('could not')\n"
    )
    reason = attempt(parent, code).reason
    if level == "process":
        assert "died" in reason
        assert left_behind(parent.folder) == []
    else:  # the first process of a namespace is out of reach
        assert "could not" in reason
        assert left_behind(parent.folder) != []
    assert works(parent)


def test_a_fork_bomb_is_stopped_and_nothing_of_it_lives(parent):
    code = (
        "import os, time\n"
        "for _ in range(9):\n"  # up to 512 processes, and not the whole machine if nobody stops it
        "    if os.fork() == 0: os.setsid()\n"
        "time.sleep(600)\n"
    )
    failure = attempt(parent, code)
    assert failure.status is Status.RUNTIME_ERROR
    assert failure.defence is Defence.WATCH
    assert "processes where 40 are allowed" in failure.reason
    assert left_behind(parent.folder) == []
    assert works(parent)


def test_a_memory_hog_is_stopped(parent, level):
    if level == "process":
        pytest.skip("the watch is the same for both")
    code = "import time\nkept = []\nfor _ in range(40): kept.append(b'x' * (50 << 20))\ntime.sleep(600)\n"
    failure = attempt(parent, code)
    assert failure.status is Status.OUT_OF_MEMORY
    assert failure.defence is Defence.WATCH
    assert "of memory where 1.50 are allowed" in failure.reason
    assert left_behind(parent.folder) == []


def test_a_flood_of_output_and_a_disk_hog_are_stopped(parent, level):
    if level == "process":
        pytest.skip("the watch is the same for both")
    code = "import os, time\nfor _ in range(200): os.write(1, b'x' * (1 << 20))\ntime.sleep(600)\n"
    failure = attempt(parent, code)
    assert failure.status is Status.RUNTIME_ERROR
    assert failure.defence is Defence.WATCH
    assert "of disk where 0.10 are allowed" in failure.reason


def test_no_file_can_grow_beyond_a_gigabyte(parent):
    code = (
        "import os\n"
        "file = os.open('large', os.O_RDWR | os.O_CREAT)\n"
        "for size in (1 << 30, (1 << 30) + 1):\n"
        "    try: os.ftruncate(file, size); out.append(size)\n"
        "    except OSError as problem: out.append(problem.strerror)\n"
    )
    assert said(parent, code) == f"[{1 << 30}, 'File too large']"


def test_the_parents_memory_can_neither_be_read_nor_traced(parent):
    code = (
        "import ctypes, os\n"
        "above = os.getppid()\n"
        "for name in ('mem', 'environ', 'maps', 'fd/0'):\n"
        "    try: open(f'/proc/{above}/{name}', 'rb').read(1); out.append(name)\n"
        "    except OSError: pass\n"
        "if ctypes.CDLL(None).ptrace(16, above, 0, 0) == 0: out.append('traced')\n"
        "if any(os.path.exists(f'/proc/{above}/fd/{number}') for number in range(9)): out.append('fd')\n"
    )
    assert said(parent, code) == "[]"


def test_what_a_runner_does_to_its_parent_does_not_reach_the_next_one(parent, level):
    if level == "process":
        pytest.skip("the parent is the same in both")
    code = (
        "import os, resource\n"
        "above = os.getppid()\n"
        "resource.prlimit(above, resource.RLIMIT_NOFILE, (40, 40))\n"
        "os.sched_setaffinity(above, [min(os.sched_getaffinity(above))])\n"
        "os.setpriority(os.PRIO_PROCESS, above, 19)\n"
    )
    look = (
        "import os, resource\n"
        "out += [resource.getrlimit(resource.RLIMIT_NOFILE), len(os.sched_getaffinity(0))]\n"
        "out += [os.getpriority(os.PRIO_PROCESS, 0)]\n"
    )
    before = said(parent, look)
    assert said(parent, code) == "[]"
    assert said(parent, look) == before


def test_no_key_is_found_in_any_environment(parent, level):
    if level == "process" and os.getuid() != 0:
        pytest.skip("without bubblewrap a user's processes see each other's environment")
    code = (
        "import glob, os\n"
        "for path in glob.glob('/proc/*/environ'):\n"
        "    try: text = open(path, 'rb').read()\n"
        "    except OSError: continue\n"
        "    if b'secret' + b'-secret' in text: out.append(path)\n"
        "if any('OPENAI' in name for name in os.environ): out.append('own')\n"
    )
    waits = ["/bin/sh", "-c", "echo ready; read line"]
    with subprocess.Popen(
        waits, env={"OPENAI_API_KEY": "secret-secret"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as campaign:
        assert campaign.stdout is not None
        assert campaign.stdout.readline() == b"ready\n"
        assert b"secret-secret" in Path(f"/proc/{campaign.pid}/environ").read_bytes()
        assert said(parent, code) == "[]"


def test_home_is_a_folder_of_its_own(parent, level):
    root = Path("/root")
    # An interpreter that is installed there is shown again.
    shown = [place.relative_to(root).parts[0] for place, shows in hidden.mounts([root]) if shows]
    code = (
        "import os, pathlib\n"
        "out += [str(pathlib.Path.home()) == os.getcwd(), os.environ['TMPDIR'] == os.getcwd()]\n"
        f"try: out += [name for name in os.listdir('/root') if name not in {shown!r}]\n"
        "except OSError: pass\n"
    )
    found = said(parent, code)
    assert found.startswith("[True, True")
    if level == "bubblewrap":
        assert found == "[True, True]"


def test_nothing_outside_its_folder_can_be_written(parent, level, tmp_path):
    if level == "process":
        pytest.skip("without bubblewrap everything that the user may write is open")
    (tmp_path / "victim").write_text("untouched")
    source = parent.places.source("other = 'kernel'\n")
    places = [tmp_path, tmp_path / "victim", source, source.parent, parent.places.given, parent.folder]
    places += [Path("/tmp"), Path("/dev/shm"), Path.home(), Path(processes.__file__)]
    code = (
        "import os\n"
        f"for place in {[str(place) for place in places]!r}:\n"
        "    for path, mode in ((place, 'a'), (place, 'w'), (place + '/planted', 'w')):\n"
        "        try: open(path, mode); out.append(path)\n"
        "        except OSError: pass\n"
        "    for action in (os.unlink, os.rmdir, lambda path: os.chmod(path, 0)):\n"
        "        try: action(place); out.append(place)\n"
        "        except OSError: pass\n"
    )
    assert said(parent, code) == "[]"
    assert (tmp_path / "victim").read_text() == "untouched"


def test_no_network(parent, level):
    if level == "process":
        pytest.skip("without bubblewrap the network is open")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        code = (
            "import socket\n"
            f"for address in ({address!r}, ('192.0.2.1', 80)):\n"
            "    try: socket.create_connection(address, 3); out.append('reached')\n"
            "    except ConnectionError as problem: out.append('refused')\n"
            "    except OSError as problem: out.append(problem.strerror)\n"
            "out += [line.split(':')[0].strip() for line in list(open('/proc/net/dev'))[2:]]\n"
        )
        assert said(parent, code) == "['refused', 'Network is unreachable', 'lo']"


def test_nothing_is_left_of_a_session(level, tmp_path, monkeypatch):
    if level == "process":
        pytest.skip("the folders are the same for both")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    litter = (
        "import os, subprocess, sys\n"
        "os.makedirs('a/' * 50); os.chmod('a', 0)\n"
        "os.makedirs('../beside'); os.symlink('/', '../beside/link'); os.mkfifo('../beside/pipe')\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "raise ValueError('littered')\n"
    )
    with session_folder() as folder:
        warm = WarmParent(folder / "runners", kind="interpreting")
        try:
            assert "littered" in attempt(warm, litter).reason
        finally:
            warm.close()
    assert left_behind(folder / "runners") == []
    assert list(tmp_path.iterdir()) == []


JUDGE = """
import sys, time
from pathlib import Path
from kernelwright.evaluator import sandbox
from kernelwright.evaluator.runners import WarmParent

parent = WarmParent(Path(sys.argv[1]), kind="interpreting")
with parent.fork() as runner:
    runner.ask("enter", 60, "starting", folder=str(runner.folder), cache="c", gpu=None, cuda=False)
    print(sandbox.level(), flush=True)
    time.sleep(600)
"""


def test_nothing_outlives_a_judge_that_is_killed(level, tmp_path):
    with subprocess.Popen([sys.executable, "-P", "-c", JUDGE, tmp_path], stdout=subprocess.PIPE) as judge:
        assert judge.stdout is not None
        assert judge.stdout.readline().decode().strip() == level
        assert left_behind(tmp_path) != []
        judge.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while left_behind(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left_behind(tmp_path) == []
