"""Cells for real: two kernels in sandboxes of their own, one of which looks for the other."""

import pytest
from kernelwright.evaluator import processes, sandbox
from kernelwright.evaluator.cells import Cell, Cells
from kernelwright.evaluator.exchange import create_memory_arena
from kernelwright.evaluator.orders import Load
from kernelwright.evaluator.runners import Failure, Runner

needs_bubblewrap = pytest.mark.skipif(
    sandbox.level() != "bubblewrap", reason=f"bubblewrap is not usable: {sandbox.bubblewrap_problem()}"
)


VICTIM = "value = 'the victim'\n"
HOSTILE = "exec(open('../orders').read())\n"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    made = Cells(tmp_path_factory.mktemp("cells"), kind="interpreting")
    yield made
    made.close()


def enter(cell: Cell, runner: Runner) -> None:
    cache = str(cell.cache)
    runner.ask("enter", 60, "starting", folder=str(runner.folder), cache=cache, gpu=None, cuda=False)


def load(cell: Cell, runner: Runner) -> None:
    arena = create_memory_arena(512)
    order = Load(str(cell.source), "ModelNew", [], arena.address)
    runner.ask("load", 60, "being imported", arena.descriptors, load=order)


def what_it_says(cell: Cell, code: str) -> str:
    """What a hostile kernel reports by failing."""
    (cell.places.private / "orders").write_text(code)
    with cell.parent.fork() as runner:
        enter(cell, runner)
        with pytest.raises(Failure) as caught:
            load(cell, runner)
    return caught.value.reason


def pid(cell: Cell) -> int:
    assert cell.parent._process is not None
    return cell.parent._process.pid


def everything_below(cell: Cell) -> list[processes.Process]:
    return processes.below([pid(cell)], processes.alive())


@needs_bubblewrap
def test_a_kernel_neither_sees_nor_writes_what_another_has(cells):
    victim, hostile = cells.of(VICTIM), cells.of(HOSTILE)
    (victim.cache / "compiled").write_text("untouched")
    with victim.parent.fork() as runner:
        enter(victim, runner)
        paths = [str(victim.source), str(victim.cache / "compiled"), str(runner.folder / "output.log")]
        code = (
            "import os\n"
            "found = []\n"
            f"for path in {paths!r}:\n"
            "    for mode in ('r', 'a', 'w'):\n"
            "        try: open(path, mode); found.append(mode + path)\n"
            "        except OSError: pass\n"
            f"seen = os.path.exists({str(victim.parent.folder)!r})\n"
            "running = [name for name in os.listdir('/proc') if name.isdigit()]\n"
            "raise ValueError(f'{found} {seen} {len(running)}')\n"
        )
        # The warm parent and the kernel's own runner.
        assert what_it_says(hostile, code).endswith("[] False 2")
        enter(victim, runner)
    assert (victim.cache / "compiled").read_text() == "untouched"
    assert victim.source.read_text() == VICTIM


@needs_bubblewrap
def test_a_kernel_ends_neither_its_own_warm_parent_nor_anothers(cells):
    victim, hostile = cells.of(VICTIM), cells.of(HOSTILE)
    code = (
        "import os, signal, time\n"
        "for name in ('KILL', 'STOP', 'TERM', 'INT', 'CHLD', 'SEGV'):\n"
        "    os.kill(os.getppid(), signal.Signals['SIG' + name])\n"
        "time.sleep(0.2); raise ValueError('tried')\n"
    )
    with victim.parent.fork() as runner:
        before = pid(victim), pid(hostile)
        assert "tried" in what_it_says(hostile, code)
        enter(victim, runner)
    assert "again" in what_it_says(hostile, "raise ValueError('again')")
    assert (pid(victim), pid(hostile)) == before


def test_a_kernel_keeps_its_cell_and_a_new_one_takes_the_spare(cells):
    spare = cells.spare()
    with spare.parent.fork():
        number = pid(spare)
    taken = cells.of("new = 1\n")
    assert taken is spare
    assert cells.spare() is not spare
    with taken.parent.fork():
        assert pid(taken) == number
    cache = taken.cache
    assert cells.of(VICTIM) is not taken
    assert cells.of("new = 1\n") is taken
    assert taken.cache == cache
    assert taken.source.read_text() == "new = 1\n"


def test_the_least_recently_used_cell_goes_with_its_processes_and_all_that_it_left(tmp_path):
    code = (
        "import os\n"
        "os.makedirs('locked/inner'); os.chmod('locked/inner', 0); os.chmod('locked', 0)\n"
        "for _ in range(1500): os.mkdir('deep'); os.chdir('deep')\n"
        "raise ValueError('left')\n"
    )
    made = Cells(tmp_path / "cells", kind="interpreting", keep=2)
    try:
        oldest, other = made.of(HOSTILE), made.of("b = 1\n")
        with oldest.parent.fork() as runner:
            (oldest.places.private / "orders").write_text(code)
            enter(oldest, runner)
            with pytest.raises(Failure, match="left"):
                load(oldest, runner)
            assert (runner.folder / "deep").exists()
            theirs = [pid(oldest), *(one.pid for one in everything_below(oldest))]
            assert made.of("b = 1\n") is other
            made.of("c = 1\n")
        assert len(theirs) > 1
        assert [number for number in theirs if processes.look_up(number)] == []
        assert not oldest.parent.folder.exists()
        assert other.parent.folder.exists()
    finally:
        made.close()


def test_a_forgotten_cell_is_gone_and_so_are_all_when_they_are_closed(tmp_path):
    made = Cells(tmp_path / "cells", kind="interpreting")
    try:
        forgotten = made.of("a = 1\n")
        number = pid(forgotten)
        made.forget("a = 1\n")
        made.forget("never had one")
        assert processes.look_up(number) is None
        assert not forgotten.parent.folder.exists()
        left = [pid(made.of("b = 1\n")), pid(made.spare())]
    finally:
        made.close()
    assert [number for number in left if processes.look_up(number)] == []
    assert list((tmp_path / "cells").iterdir()) == []
