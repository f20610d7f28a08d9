"""The watch on a real sandbox: what it sees of processes, memory and files, and when it speaks up."""

import sys
import time
from dataclasses import replace

import pytest
from kernelwright.evaluator import sandbox
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.watch import Excess, Seen, Watch, default_limits, excess, look

MB = 1 << 20
NOTHING = Seen(memory=0, processes=1, threads=1, disk=0, files=0, memory_left=1 << 50, disk_left=1 << 50)

BUSY = """
import mmap, os, threading, time
kept = b'x' * (100 << 20)
shared = mmap.mmap(-1, 50 << 20)
shared.write(b'x' * (50 << 20))
for _ in range(5):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
os.makedirs('a/b')
for name in ('one', 'a/two', 'a/b/three'):
    with open(name, 'wb') as file: file.write(b'x' * (1 << 20))
os.symlink('/', 'out')
open('ready', 'w').close()
time.sleep(600)
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A sandbox with four Python processes, five more threads, seven files and 150 MB or more."""
    folder = tmp_path_factory.mktemp("busy")
    home = folder / "home"
    home.mkdir()
    process = sandbox.start(
        [sys.executable, "-P", "-c", BUSY], folder=home, env=sandbox.environment(home), log=folder / "log"
    )
    while not (home / "ready").exists():
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.01)
    yield process.pid, home
    sandbox.kill_group(process)


def test_a_look_sees_processes_threads_memory_and_files(busy):
    seen = look(*busy, default_limits())
    own = 1 if sandbox.level() == "bubblewrap" else 0  # bubblewrap itself
    assert seen.processes == 4 + own
    assert seen.threads == 4 + 5 + own
    assert 150 * MB < seen.memory < 800 * MB
    assert 3 * MB <= seen.disk < 4 * MB
    assert seen.files == 7
    assert seen.memory_left > 0
    assert seen.disk_left > 0


def test_pages_that_processes_share_count_once_where_that_decides(busy):
    plain = look(*busy, default_limits()).memory
    exact = look(*busy, replace(default_limits(), memory=plain - 1)).memory
    # 100 MB that three forks share, and 50 MB that all four have mapped
    assert 150 * MB < exact < 250 * MB
    assert plain > exact + 300 * MB


def test_files_are_counted_no_further_than_needed(busy):
    assert look(*busy, replace(default_limits(), files=3)).files == 4


def test_a_folder_that_is_gone_and_a_root_that_is_dead_are_nothing(tmp_path):
    seen = look(-1, tmp_path / "gone", default_limits())
    assert (seen.processes, seen.memory, seen.files, seen.disk) == (0, 0, 0, 0)


def test_the_watch_speaks_up_once_a_limit_is_passed(busy):
    limits = replace(default_limits(), processes=3)
    with pytest.raises(Excess, match=r"processes where 3 are allowed") as caught:
        Watch(*busy, limits)()
    assert caught.value.status is Status.RUNTIME_ERROR
    Watch(*busy, default_limits())()


def test_the_watch_is_silent_when_it_is_switched_off(busy):
    with without(Defence.WATCH):
        Watch(*busy, replace(default_limits(), processes=0))()


def test_what_was_short_from_the_start_is_not_held_against_a_candidate(busy):
    everything = 1 << 60
    Watch(*busy, replace(default_limits(), memory_left=everything, disk_left=everything))()


@pytest.mark.parametrize(
    ("name", "value", "status", "said"),
    [
        ("processes", 257, Status.RUNTIME_ERROR, "257 processes where 256 are"),
        ("threads", 1 << 20, Status.RUNTIME_ERROR, "1048576 threads"),
        ("files", 50_001, Status.RUNTIME_ERROR, "50001 files in its folder where 50000 are"),
        ("memory", 33 << 30, Status.OUT_OF_MEMORY, "33.00 GiB of memory where"),
        ("disk", 3 << 30, Status.RUNTIME_ERROR, "3.00 GiB of disk where 2.00 are"),
        ("memory_left", 1 << 29, Status.OUT_OF_MEMORY, "0.50 GiB of memory left where 1.00 must be"),
        ("disk_left", 1 << 29, Status.RUNTIME_ERROR, "disk had 0.50 GiB left where 1.00 must be"),
    ],
)
def test_every_excess_has_a_status_and_figures(name, value, status, said):
    limits = default_limits()
    assert excess(NOTHING, limits) is None
    assert excess(replace(NOTHING, **{name: getattr(limits, name)}), limits) is None
    found = excess(replace(NOTHING, **{name: value}), limits)
    assert found is not None
    assert found.status is status
    assert said in found.reason


def test_the_defaults_fit_any_machine():
    limits = default_limits()
    assert 8 << 30 <= limits.memory <= 32 << 30
    assert limits.threads > limits.processes
