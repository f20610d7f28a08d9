"""Two processes may not run one campaign at once, and a dead holder holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kernelwright.agent.record import Budget, Campaign, CampaignStatus, Settings
from kernelwright.agent.store import CampaignHeld, Store

HOLDER = """
import sys, time
from pathlib import Path
from kernelwright.agent.store import Store
with Store.open(Path(sys.argv[1])) as store, store.hold("abcd"):
    print("held", flush=True)
    time.sleep(60)
"""


def campaign(name: str) -> Campaign:
    settings = Settings(task="t", target="rtx-4090", device="offline", provider="tuner", stages=[])
    return Campaign(id=name, created=datetime.now(UTC), settings=settings, budget=Budget())


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "c.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_process_is_told_who_holds_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with Store.open(tmp_path / "c.db") as store:
        with (
            pytest.raises(CampaignHeld, match=rf"process {holder.pid} on {os.uname().nodename}"),
            store.hold("abcd"),
        ):
            pass
        with store.hold("efgh"):  # another campaign of the same store is free
            pass
    holder.kill()
    holder.communicate()


def test_a_killed_holder_lets_go_at_once(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()
    with Store.open(tmp_path / "c.db") as store, store.hold("abcd"):
        pass


def test_a_campaign_whose_process_is_gone_has_stopped(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with Store.open(tmp_path / "c.db") as store:
        alive, other = (campaign(name) for name in ("abcd", "efgh"))
        assert (store.standing(alive), store.standing(other)) == ("running", "stopped")
        finished = other.model_copy(update={"status": CampaignStatus.FINISHED})
        assert store.standing(finished) == "finished"
        holder.kill()
        holder.communicate()
        assert store.standing(alive) == "stopped"
        with store.hold("abcd"):  # who looks holds nothing back
            assert store.standing(alive) == "running"


def test_nothing_is_left_behind_and_it_can_be_held_again(tmp_path: Path) -> None:
    with Store.open(tmp_path / "c.db") as store:
        for _ in range(2):
            with store.hold("abcd"):
                pass
    assert not list(tmp_path.glob("*.lock"))


FORKING = """
import os, signal, sys, time
from pathlib import Path
from kernelwright.agent.store import Store
with Store.open(Path(sys.argv[1])) as store, store.hold("abcd"):
    heard, told = os.pipe()
    if os.fork() == 0:  # its word comes after what a fork does in a child
        print(os.getpid(), flush=True)
        os.write(told, b"x")
        time.sleep(30)
        os._exit(0)
    os.read(heard, 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_forked_child_that_outlives_a_killed_holder_does_not_hold(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORKING, str(tmp_path / "c.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.wait()
    try:
        with Store.open(tmp_path / "c.db") as store, store.hold("abcd"):
            pass
    finally:
        os.kill(child, 9)
        process.stdout.close()
