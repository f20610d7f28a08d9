"""How an untrusted process is started: clean environment, own process group, limits, bubblewrap where it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Literal

from . import hidden, limits, processes

Level = Literal["bubblewrap", "process"]

PROCESS_WARNING = (
    "bubblewrap is not usable here: candidates run in a plain confined process with network access"
)

# What an untrusted process may see of our environment. Keys, tokens and the home folder are not among it.
_ALLOWED = (
    "PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "CC", "TZ", "VIRTUAL_ENV",
)  # fmt: skip
_MORE_THREADS = 4096
"""On top of what the user runs: the kernel counts all threads of one user together, and none of root's."""
_END_SECONDS = 15.0
_levels: dict[int, Level] = {}
"""Of every process started here and not ended yet."""


@cache
def level() -> Level:
    """``bubblewrap`` where a trial of it works, else ``process``."""
    return "bubblewrap" if bubblewrap_problem() is None else "process"


@cache
def bubblewrap_problem() -> str | None:
    """Why bubblewrap cannot be used here, or None when it can."""
    if shutil.which("bwrap") is None:
        return "bwrap is not installed"
    with tempfile.TemporaryDirectory(prefix="kernelwright-trial-") as folder:
        home = Path(folder)
        # The wrapping of real runners: an interpreter that it hides must be found out here.
        trial = _inside(
            [
                sys.executable,
                "-P",
                "-c",
                f"import importlib.util, {__package__}; assert importlib.util.find_spec('torch')",
            ],
            home,
            [],
        )
        try:
            done = subprocess.run(
                trial, capture_output=True, text=True, timeout=60, check=False, env=environment(home)
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            return f"bwrap does not start: {problem}"
    return None if done.returncode == 0 else f"bwrap fails here: {done.stderr.strip().splitlines()[-1:]}"


# The command is its namespace's first process, so that nothing inside can kill or stop it, and none of bubblewrap's
# own stays within reach, with our log open.
_NAMESPACES = (
    "--as-pid-1",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--die-with-parent",
)


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allow-listed variables, with HOME and TMPDIR in a private folder."""
    kept = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_CACHE_HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "2",
        "KMP_INIT_AT_FORK": "FALSE",
        **(extra or {}),
    }


def wrap(argv: list[str], writable: Path, readable: Sequence[Path] = ()) -> list[str]:
    """The command inside bubblewrap where that works: read-only root, one writable folder, no network."""
    return argv if level() == "process" else _inside(argv, writable, readable)


def _inside(argv: list[str], writable: Path, readable: Sequence[Path]) -> list[str]:
    nodes = sorted(str(node) for node in Path("/dev").glob("nvidia*") if not node.is_dir())
    devices = [word for node in nodes for word in ("--dev-bind", node, node)]
    given = [word for place in readable for word in ("--ro-bind", str(place), str(place))]
    # What bubblewrap makes of its own is writable until it is told otherwise, which can be last only: folders
    # for what lies below are made in it. A /dev/shm beyond the watch goes with it.
    own = [*map(str, hidden.hidden_places()), "/dev"]
    sealed = [word for place in own for word in ("--remount-ro", place)]
    # A root without capabilities may write most of /proc/sys. CUDA does not start where all of /proc is read-only.
    kernel = [
        word for place in ("/proc/sys", "/proc/sysrq-trigger") for word in ("--ro-bind-try", place, place)
    ]
    # Empty folders come first, so that what lies below them and is needed stays visible.
    return [
        "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", *devices, "--proc", "/proc", *kernel, *hidden.words(), *given,
        "--bind", str(writable), str(writable), *sealed, "--chdir", str(writable),
        "--cap-drop", "ALL", *_NAMESPACES, *argv,
    ]  # fmt: skip


def start(
    argv: list[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    pass_fds: tuple[int, ...] = (),
    log: Path,
    readable: Sequence[Path] = (),
) -> subprocess.Popen[bytes]:
    """Start it in its own process group, its output in ``log``, confined as far as this machine can.

    It may write to ``folder`` and read ``readable``, also where those lie in a place that is hidden from it.
    """
    confined = level()
    if confined == "process":
        limits.adopt_orphans()
    most = processes.threads_of(os.getuid()) + _MORE_THREADS
    with log.open("ab") as output:
        started = subprocess.Popen(
            wrap(argv, folder, readable),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(env),
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=partial(limits.impose, most, drop=confined == "process"),
        )
    _levels[started.pid] = confined
    return started


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything that came of it; returns once it is gone, or after some seconds."""
    confined = _levels.pop(process.pid, None)
    if confined == "bubblewrap":
        _end_namespace(process)
    else:
        processes.end(lambda: _family(process), _END_SECONDS)
    if process.poll() is None:
        # A process that a driver holds dies when that lets go of it: nobody waits for that here.
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=_END_SECONDS)
    if confined == "process":
        _end_orphans()


def _end_namespace(process: subprocess.Popen[bytes]) -> None:
    """Its first process takes all others along and is gone last; bubblewrap itself reaps it and ends."""
    for first in _family(process):
        if first.parent == process.pid:
            processes.send(first, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_END_SECONDS)


def _family(process: subprocess.Popen[bytes]) -> list[processes.Process]:
    """All descendants of a process that still runs."""
    return [] if process.poll() is not None else processes.below([process.pid], processes.alive())


def _end_orphans() -> None:
    """End confined processes whose parent died before them: this process has inherited them."""
    known: set[int] = set()

    def find() -> list[processes.Process]:
        running = processes.alive()
        mine = [one for one in running if one.parent == os.getpid() and one.pid not in _levels]
        orphans = [one for one in mine if limits.imposed_on(one.pid)]
        known.update(one.pid for one in orphans)
        return [*orphans, *processes.below([one.pid for one in orphans], running)]

    processes.end(find, _END_SECONDS)
    for pid in known:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
