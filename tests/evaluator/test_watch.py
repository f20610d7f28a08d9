"""The watch on a real sandbox: what it sees of processes, memory and files, and when it speaks up."""

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kernelwright.evaluator import processes, sandbox
from kernelwright.evaluator.defences import Defence, without
from kernelwright.evaluator.evaluation import Status
from kernelwright.evaluator.places import empty
from kernelwright.evaluator.watch import Excess, Seen, Watch, default_limits, excess, look

MB = 1 << 20
NOTHING = Seen(
    memory=0,
    processes=1,
    threads=1,
    disk=0,
    files=0,
    depth=0,
    descriptors=0,
    memory_left=1 << 50,
    disk_left=1 << 50,
)

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


# Files without a name: 30 MB in memory, 20 MB of them mapped too, 10 MB of them open in a thread's own table alone;
# and 10 MB on disk. All forks share them.
HOARD = """
import ctypes, mmap, os, threading, time
def memory(size):
    file = os.memfd_create('kept')
    os.posix_fallocate(file, 0, size)
    return file
mapped = mmap.mmap(memory(20 << 20), 20 << 20)
mapped.write(b'x' * (20 << 20))
unlinked = os.open('unlinked', os.O_CREAT | os.O_RDWR)
os.unlink('unlinked')
os.posix_fallocate(unlinked, 0, 10 << 20)
for _ in range(2):
    if os.fork() == 0: time.sleep(600)
def own_table():
    assert ctypes.CDLL(None).unshare(0x400) == 0
    memory(10 << 20)
    open('ready', 'w').close()
    time.sleep(600)
threading.Thread(target=own_table).start()
"""
# Each of 20 names is as long as a name may be, so that no path leads to what lies below.
DEEP = """
import os, time
ready = os.path.abspath('ready')
for _ in range({levels}):
    os.mkdir('{name}'); os.chdir('{name}')
for i in range(40):
    with open(str(i), 'wb') as file: file.write(b'x' * 8192)
open(ready, 'w').close()
time.sleep(600)
"""


@contextmanager
def started(code, folder, pass_fds=()):
    """A sandbox that runs this until it has written its file 'ready', as its process and private folder."""
    home = folder / "home"
    home.mkdir()
    process = sandbox.start(
        [sys.executable, "-P", "-c", code],
        folder=home,
        env=sandbox.environment(home),
        pass_fds=pass_fds,
        log=folder / "log",
    )
    try:
        while not (home / "ready").exists():
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
        yield process.pid, home
    finally:
        sandbox.kill_group(process)
        empty(home)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A sandbox with four Python processes, five more threads, seven files and 150 MB or more."""
    with started(BUSY, tmp_path_factory.mktemp("busy")) as running:
        yield running


@pytest.fixture(scope="module")
def hoard(tmp_path_factory):
    """A sandbox that keeps its files where no folder shows them."""
    with started(HOARD, tmp_path_factory.mktemp("hoard")) as running:
        yield running


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


def test_files_below_any_path_are_counted(tmp_path):
    with started(DEEP.format(levels=20, name="d" * 250), tmp_path) as running:
        seen = look(*running, default_limits())
        assert seen.files == 20 + 40 + 1
        assert seen.disk >= 40 * 8192
        with pytest.raises(Excess, match=r"61 files in its folder where 60 are") as caught:
            Watch(*running, replace(default_limits(), files=60))()
        assert caught.value.status is Status.RUNTIME_ERROR


def test_folders_deeper_than_a_look_goes_are_an_excess(tmp_path):
    with started(DEEP.format(levels=60, name="d"), tmp_path) as running:
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(Excess, match=r"files 51 folders deep where 50 are"):
            Watch(*running, default_limits())()
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_open_files_without_a_name_count_once_each(hoard):
    seen = look(*hoard, replace(default_limits(), memory=0))
    assert 10 * MB <= seen.disk < 11 * MB
    bare = _anonymous(hoard[0])
    # What is mapped is among what is held, and three processes hold the same.
    assert bare / 4 + 30 * MB < seen.memory < bare + 31 * MB


def _anonymous(root):
    """Bytes of a family's private memory, in full for each of its processes."""
    family = [root, *(one.pid for one in processes.below([root], processes.alive()))]
    lines = [line.split() for pid in family for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line[1]) * 1024 for line in lines if line[:1] == ["RssAnon:"])


def test_the_watch_speaks_up_over_files_without_a_name(hoard):
    with pytest.raises(Excess, match="GiB of disk where"):
        Watch(*hoard, replace(default_limits(), disk=9 * MB))()
    exact = look(*hoard, replace(default_limits(), memory=0)).memory
    with pytest.raises(Excess, match="GiB of memory where"):
        Watch(*hoard, replace(default_limits(), memory=exact - 5 * MB))()
    Watch(*hoard, default_limits())()


def test_memory_that_the_judge_has_given_is_not_held_against_a_sandbox(tmp_path):
    given = os.memfd_create("given")
    try:
        os.posix_fallocate(given, 0, 500 * MB)
        code = "import time; open('ready', 'w').close(); time.sleep(600)"
        with started(code, tmp_path, (given,)) as running:
            assert look(*running, default_limits()).memory < 200 * MB
    finally:
        os.close(given)


def test_more_descriptors_than_a_look_goes_through_are_an_excess(hoard):
    seen = look(*hoard, default_limits())
    assert 3 * 5 <= seen.descriptors < 100
    with pytest.raises(Excess, match=r"11 descriptors open where 10 are"):
        Watch(*hoard, replace(default_limits(), descriptors=10))()


def test_a_file_with_two_names_takes_its_room_once(tmp_path):
    (tmp_path / "one").write_bytes(b"x" * MB)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    seen = look(-1, tmp_path, default_limits())
    assert seen.files == 2
    assert MB <= seen.disk < 2 * MB


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
        ("depth", 51, Status.RUNTIME_ERROR, "files 51 folders deep where 50 are"),
        ("descriptors", 16_385, Status.RUNTIME_ERROR, "16385 descriptors open where 16384 are"),
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
