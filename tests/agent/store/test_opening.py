"""Files that are old, new, foreign, damaged, read-only or on a full disk; each is one sentence."""

from __future__ import annotations

import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from kernelwright.agent.record import Campaign, Reply
from kernelwright.agent.store import Store, StoreError
from kernelwright.agent.store.database import migrations
from loop_world import accepted, attempt, begin, evaluation
from unprivileged import open_folder, unprivileged


@contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(StoreError) as caught:
        yield
    sentence = str(caught.value)
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


def filled(path: Path) -> Campaign:
    with Store.open(path) as store:
        campaign = begin(store)
        verdict = evaluation(8.0, kernel=store.put_text("seed"))
        store.save_attempt(
            attempt(0, verdict, id=f"{campaign.id}.0", campaign=campaign.id, decision=accepted(True))
        )
    return campaign


def test_a_store_that_is_not_there_says_how_to_begin(tmp_path: Path) -> None:
    for read_only in (False, True):
        with refused("no store", "kernelwright run", "--store"):
            Store.open(tmp_path / "none.db", create=False, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_migrations_are_numbered_without_gaps_and_name_the_format(tmp_path: Path) -> None:
    assert list(migrations()) == list(range(1, len(migrations()) + 1))
    filled(tmp_path / "c.db")
    with sqlite3.connect(tmp_path / "c.db") as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (len(migrations()),)


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    path.touch()
    with refused("no campaign yet", "kernelwright run"):
        Store.open(path, create=False, read_only=True)
    with Store.open(path) as store:
        assert store.campaigns() == []


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_from_a_newer_version_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "c.db"
    filled(path)
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    with refused("newer kernelwright", "99", "upgrade"):
        Store.open(path, read_only=read_only)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM attempts").fetchone() == (1,)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, just a long enough text " * 200)
    before = path.read_bytes()
    with refused("not a kernelwright store", "--store"):
        Store.open(path, read_only=read_only)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE notes (text)")
    with refused("another program's database"):
        Store.open(path)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with refused("cannot be opened"):
        Store.open(tmp_path)


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused("cannot be used"):
        Store.open(tmp_path / "file" / "c.db")


def test_a_damaged_store_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    campaign = filled(path)
    page = 4096
    with path.open("r+b") as file:
        for start in range(page, path.stat().st_size, page):
            file.seek(start)
            file.write(b"\xff" * 512)
    with refused("damaged"), Store.open(path) as store:
        store.record(campaign.id)


def test_a_truncated_store_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    campaign = filled(path)
    os.truncate(path, 5000)
    with refused("damaged"), Store.open(path) as store:
        store.record(campaign.id)


def test_a_read_only_store_can_be_read_and_not_written(folder: Path) -> None:
    path = folder / "c.db"
    campaign = filled(path)
    path.chmod(0o444)
    folder.chmod(0o555)
    with unprivileged():
        with Store.open(path, create=False, read_only=True) as store:
            assert [a.number for a in store.record(campaign.id).attempts] == [0]
        with refused("read-only", "--store"):
            Store.open(path)


def test_a_folder_that_may_not_be_written_is_called_read_only(folder: Path) -> None:
    folder.chmod(0o555)
    with unprivileged(), refused("read-only", "--store"):
        Store.open(folder / "c.db")


def test_a_killed_writers_log_is_read_on_a_read_only_disk_too(folder: Path) -> None:
    """The last attempts are then only in the write-ahead log, which nobody may fold into the file."""
    path = folder / "c.db"
    child = os.fork()
    if child == 0:
        store = Store.open(path)
        begin(store)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert (folder / "c.db-wal").stat().st_size > 0
    (folder / "c.db-shm").unlink()
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    with unprivileged(), Store.open(path, create=False, read_only=True) as store:
        assert len(store.campaigns()) == 1


def test_reading_leaves_a_store_unwritten(tmp_path: Path) -> None:
    campaign = filled(tmp_path / "c.db")
    with Store.open(tmp_path / "c.db", create=False, read_only=True) as store, refused("read-only"):
        store.save_campaign(campaign)


def test_a_store_is_read_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    filled(path)
    with Store.open(path) as writer, writer._writing() as connection:
        connection.execute("INSERT INTO texts VALUES ('x', 'x')")
        with Store.open(path, create=False, read_only=True) as reader:
            assert len(reader.campaigns()) == 1


def test_a_full_disk_is_one_sentence_and_keeps_everything_before(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    campaign = filled(path)
    with Store.open(path) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        before = store.record(campaign.id)
        long = Reply(text="x" * 100_000, provider="p", model="m")
        with refused("full", "resume"):
            store.save_attempt(before.attempts[0].model_copy(update={"reply": long}))
        assert store.record(campaign.id) == before
        store.save_campaign(campaign)  # goes on as soon as something fits


def test_a_file_size_limit_is_one_sentence_and_keeps_everything_before(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    campaign = filled(path)
    child = os.fork()
    if child == 0:
        with Store.open(path) as store:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 8192,) * 2)
            try:
                store.put_text("x" * 1_000_000)
            except StoreError as problem:
                os._exit(0 if "could not be read or written" in str(problem) or "full" in str(problem) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with Store.open(path) as store:
        assert len(store.record(campaign.id).attempts) == 1
