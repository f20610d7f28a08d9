"""A store that any earlier version wrote opens, is brought up to date as a whole or not at all, and loses nothing.

``stores/`` holds one store of each earlier format, written by the code of its day. Whoever adds a migration
first runs ``make_store.py``, then adds the script, then its hash below.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kernelwright.agent.store import Store, StoreError, database
from kernelwright.agent.store.database import migrations
from kernelwright.evaluator.phases import sha256_of
from unprivileged import open_folder, unprivileged

HERE = Path(__file__).parent
OLD = {int(path.stem): path for path in sorted((HERE / "stores").glob("*.db"))}
REAL = Path(__file__).parents[3] / "benchmarks" / "h200" / "layer_norm.db"
EVERY = [*OLD.values(), REAL]
RELEASED = {
    1: "72572f4725e932f926894b4c5ba5b56c8a1fbce96ff3a7f252eb356a5c639261",
    2: "698d48b2698f79cdc07b272c076912fc562def4395718da7ed8a2957e13e8ee1",
}
"""SHA-256 of every migration's bytes."""

Rows = dict[str, list[dict[str, object]]]


def tables(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Every table with its columns."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    names = [row[0] for row in found.fetchall()]
    return {name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}


def rows(path: Path, like: Rows | None = None) -> Rows:
    """Everything that a file holds, or the part of it that `like` has too."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as raw:
        known = tables(raw)
        wanted = {name: list(entries[0]) for name, entries in like.items() if entries} if like else known
        return {
            name: [
                dict(zip(columns, row, strict=True))
                for row in raw.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY 1")
            ]
            for name, columns in wanted.items()
        }


def schema(path: Path) -> tuple[list[tuple[str, ...]], int, int]:
    """Every table and index as its SQL says, the application's mark and the format's number."""
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY 1, 2")
        marks = [raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        return found.fetchall(), marks[0], marks[1]


@pytest.fixture(params=EVERY, ids=[path.name for path in EVERY])
def old(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A copy of an old store, in a folder that every user can reach."""
    with open_folder() as folder:
        copied = Path(shutil.copyfile(request.param, folder / "c.db"))
        copied.chmod(0o666)
        yield copied


def everything(store: Store) -> list[object]:
    """Every campaign and attempt as today's models read them, and every text."""
    texts = [store.text(row[0]) for row in store._rows("SELECT sha FROM texts ORDER BY sha")]
    return [*(store.record(campaign.id) for campaign in store.campaigns()), *texts]


def test_a_released_migration_never_changes() -> None:
    found = {number: sha256_of(script) for number, script in migrations().items()}
    assert found == RELEASED, "a released migration stays as it is: append another, and its hash here"


def test_every_format_before_todays_has_a_store() -> None:
    """Else a migration was added without running make_store.py before."""
    assert set(OLD) >= set(range(1, max(migrations())))
    assert {number: schema(path)[2] for number, path in OLD.items()} == {number: number for number in OLD}


def test_no_two_migrations_have_one_number_and_none_is_cut_off() -> None:
    """A statement that does not end would be left out in silence."""
    scripts = list(Path(database.__file__).parent.glob("*.sql"))
    assert len(scripts) == len(migrations()) == max(migrations())
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.sql", script.name) for script in scripts)
    for script in migrations().values():
        assert "".join(database._statements(script)) == script


def test_an_old_store_is_read_and_left_as_it_is(old: Path) -> None:
    before = old.read_bytes()
    with Store.open(old, create=False, read_only=True) as store:
        found = everything(store)
        assert store.campaigns()
        with pytest.raises(StoreError, match="read-only"):  # it would go into a copy, and be lost
            store.put_text("new")
    assert old.read_bytes() == before
    with Store.open(old) as store:
        assert everything(store) == found


def test_an_old_store_is_read_on_a_read_only_disk(old: Path) -> None:
    before = old.read_bytes()
    old.chmod(0o444)
    old.parent.chmod(0o555)
    with unprivileged():
        with Store.open(old, create=False, read_only=True) as store:
            assert everything(store)
        with pytest.raises(StoreError, match="read-only"):
            Store.open(old)
    assert old.read_bytes() == before
    assert [file.name for file in old.parent.iterdir()] == ["c.db"]


def test_an_old_store_is_brought_up_to_date_and_nothing_is_lost(old: Path, tmp_path: Path) -> None:
    before = rows(old)
    Store.open(old).close()
    Store.open(tmp_path / "new.db").close()
    assert rows(old, like=before) == before
    assert schema(old) == schema(tmp_path / "new.db")
    with closing(sqlite3.connect(old)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_failing_migration_leaves_the_file_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "CREATE TABLE colours (name TEXT);\nDELETE FROM attempts;\nCREATE TABLE campaigns (id TEXT);\n"
    more = {**migrations(), len(migrations()) + 1: broken}
    before, held = schema(old), rows(old)
    monkeypatch.setattr("kernelwright.agent.store.database.migrations", lambda: more)
    with pytest.raises(StoreError, match="failed"):
        Store.open(old)
    assert schema(old) == before
    assert rows(old) == held
    monkeypatch.undo()
    Store.open(old).close()
    assert rows(old, like=held) == held


def die_at(path: Path, statement: int) -> bool:
    """Open a store in a process that is killed ahead of that statement of it; whether it came so far."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL)
        return status != 0
    seen = [0]

    def trace(sql: str) -> None:
        seen[0] += 1
        if seen[0] == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    connect = database.connect

    def traced(path: Path, mode: str) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.set_trace_callback(trace)
        return connection

    database.connect = traced
    try:
        Store.open(path)
    except BaseException:
        os._exit(1)
    os._exit(0)


def test_a_kill_at_any_statement_leaves_the_old_store_or_the_new(old: Path, tmp_path: Path) -> None:
    """The next process reads it whole, and brings it up to date."""
    held, formats = rows(old), (schema(old)[2], max(migrations()))
    found = set()
    for statement in range(1, 1000):
        path = Path(shutil.copyfile(old, tmp_path / f"{statement}.db"))
        killed = die_at(path, statement)
        found.add(schema(path)[2])
        assert rows(path, like=held) == held
        Store.open(path).close()
        assert rows(path, like=held) == held and schema(path)[2] == max(migrations())
        if not killed:
            break
    assert statement > 5 and found == set(formats)


OPENER = """
import sys
from pathlib import Path
from kernelwright.agent.store import Store
sys.stdin.readline()
with Store.open(Path(sys.argv[1]), read_only=sys.argv[2] == "read") as store:
    print(len(store.campaigns()), flush=True)
"""


def open_at_once(path: Path, *ways: str) -> list[str]:
    """What processes say that open one store at the same moment."""
    command = [sys.executable, "-c", OPENER, str(path)]
    opened = [
        subprocess.Popen([*command, way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for way in ways
    ]
    for process in opened:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0] for process in opened]


def test_several_processes_open_an_old_store_at_once(old: Path) -> None:
    held = rows(old)
    said = open_at_once(old, "write", "write", "read", "read")
    assert said == [f"{len(held['campaigns'])}\n"] * 4
    assert rows(old, like=held) == held and schema(old)[2] == max(migrations())


def test_several_processes_begin_a_store_at_once(tmp_path: Path) -> None:
    assert open_at_once(tmp_path / "c.db", "write", "write", "write") == ["0\n"] * 3


def test_a_newer_store_is_refused_in_a_sentence(old: Path) -> None:
    with closing(sqlite3.connect(old)) as raw:
        raw.execute(f"PRAGMA user_version = {max(migrations()) + 1}")
    before = old.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"newer kernelwright \(format \d+.*upgrade") as caught:
            Store.open(old, read_only=read_only)
        assert "\n" not in str(caught.value)
    assert old.read_bytes() == before


def test_an_old_store_is_read_whole_while_its_own_version_writes_to_it(old: Path) -> None:
    """What is seen is one moment of it, and nothing half."""
    with closing(sqlite3.connect(old, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO texts VALUES (?, ?)", (sha256_of("one"), b"one"))
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO texts VALUES (?, ?)", (sha256_of("two"), b"two"))
        with Store.open(old, create=False, read_only=True) as store:
            assert store.text(sha256_of("one")) == "one"
            with pytest.raises(StoreError, match="no text"):
                store.text(sha256_of("two"))
            writer.execute("COMMIT")
            with pytest.raises(StoreError, match="no text"):
                store.text(sha256_of("two"))
