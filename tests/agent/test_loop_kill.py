"""``kill -9`` at any moment, then resume: nothing stored is lost and no stored reply is asked for again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kernelwright.agent.loop import remeasure, run_campaign
from kernelwright.agent.providers.base import Request
from kernelwright.agent.record import Attempt, CampaignStatus, Record
from kernelwright.agent.store import Store
from loop_world import Judge, Quiet, Script, begin, fence, mixed, source

FIELDS = ("brief", "prompt_sha", "reply", "failure", "kernel_sha", "evaluation", "decision")


def slowly(_: object) -> None:
    time.sleep(random.uniform(0.02, 0.06))


def play(path: Path, campaign: str, log: Path) -> Record:
    with Store.open(path, create=False) as store:

        def answer(request: Request) -> str:
            slowly(request)
            return mixed(request)

        return run_campaign(store, campaign, Judge(before=slowly), Script(answer, log), Quiet())


def lineage(record: Record) -> list[tuple[object, ...]]:
    """What an uninterrupted campaign and an often killed one have in common."""

    def local(name: str | None) -> str | None:
        return name and name.partition(".")[2]

    return [
        (
            *(a.kind, a.stage, a.round, a.sample, local(a.parent), local(a.mends)),
            *(a.kernel_sha, a.failure, a.decision and a.decision.accepted),
        )
        for a in record.attempts
    ]


def stored(path: Path, campaign: str) -> Record:
    with Store.open(path, create=False, read_only=True) as store:
        return store.record(campaign)


def check_nothing_lost(before: list[Attempt], after: list[Attempt]) -> None:
    assert len(after) >= len(before)
    for old, new in zip(before, after, strict=False):
        for field in FIELDS:
            value = getattr(old, field)
            assert value is None or value == getattr(new, field), (old.id, field)


def test_a_campaign_killed_again_and_again_ends_like_one_that_was_left_alone(tmp_path: Path) -> None:
    path, log = tmp_path / "campaigns.db", tmp_path / "replies.log"
    with Store.open(path) as store:
        left_alone, killed = begin(store).id, begin(store).id
    expected = play(path, left_alone, tmp_path / "other.log")
    log.touch()
    kills = 0
    while True:
        before = stored(path, killed).attempts
        paid, asked = {a.id for a in before if a.reply}, len(log.read_text().splitlines())
        command = [sys.executable, __file__, str(path), killed, str(log)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None and child.stdout.readline() == "begun\n"
            try:
                # Longer and longer, so that the campaign ends however slow the machine is.
                child.wait(timeout=random.uniform(0.02, 0.3) + 0.2 * kills)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                kills += 1
        check_nothing_lost(before, stored(path, killed).attempts)
        later = [line.split()[0] for line in log.read_text().splitlines()[asked:]]
        assert not paid & set(later) and len(later) == len(set(later))
        if child.returncode == 0:
            break
    assert kills > 0
    assert lineage(stored(path, killed)) == lineage(expected)
    assert stored(path, killed).campaign.status is CampaignStatus.FINISHED


class KilledAtWrite(Store):
    """Kills its process right before or right after a write to the disk."""

    left: int
    after: bool

    def save_attempt(self, attempt: Attempt) -> None:
        self._count(lambda: super(KilledAtWrite, self).save_attempt(attempt))

    def save_campaign(self, campaign: Any) -> None:
        self._count(lambda: super(KilledAtWrite, self).save_campaign(campaign))

    def put_text(self, text: str) -> str:
        return str(self._count(lambda: super(KilledAtWrite, self).put_text(text)))

    def _count(self, write: Any) -> object:
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = write()
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def killed_at_write(path: Path, write: int, after: bool, run: Callable[[Store], object]) -> bool:
    """Run in a forked process that is killed at its n-th write; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            with KilledAtWrite.open(path, create=False) as store:
                assert isinstance(store, KilledAtWrite)
                store.left, store.after = write, after
                run(store)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


SMALL: dict[str, Any] = {"stages": ["block_tiling"], "rounds": 1}


def short(request: Request) -> str:
    """A reply without code, then its repair."""
    return "no code" if request.attempt.endswith(".1") else fence(source(4.0))


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_each_write_of_a_campaign_changes_nothing_in_its_end(tmp_path: Path, after: bool) -> None:
    path = tmp_path / "campaigns.db"
    with Store.open(path) as store:
        expected = run_campaign(store, begin(store, **SMALL).id, Judge(), Script(short), Quiet())
        for write in range(1, 1000):
            campaign, script = begin(store, **SMALL).id, Script(short)

            def run(own: Store, name: str = campaign, script: Script = script) -> Record:
                return run_campaign(own, name, Judge(), script, Quiet())

            died = killed_at_write(path, write, after, run)
            paid = {a.id for a in store.record(campaign).attempts if a.reply}
            assert lineage(run(store)) == lineage(expected)
            assert not paid & {request.attempt for request in script.asked}
            if not died:
                break
    assert write > 15


def test_a_kill_at_each_write_while_a_card_decides_changes_nothing_in_its_end(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.db"

    def offline(store: Store) -> str:
        name = begin(store, **SMALL).id
        run_campaign(store, name, Judge(), Script(short), Quiet())
        return name

    with Store.open(path) as store:
        expected = remeasure(store, offline(store), Judge("cuda"), Quiet())
        for write in range(1, 1000):
            campaign = offline(store)

            def run(own: Store, name: str = campaign) -> Record:
                return remeasure(own, name, Judge("cuda"), Quiet())

            died = killed_at_write(path, write, True, run)
            record = run(store)
            assert lineage(record) == lineage(expected)
            assert [s.name for s in record.campaign.standings] == [
                s.name for s in expected.campaign.standings
            ]
            if not died:
                break
    assert write > 10


if __name__ == "__main__":
    print("begun", flush=True)
    play(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
