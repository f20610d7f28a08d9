"""The SQLite file: how it is opened, recognised and brought up to date."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from .errors import StoreError, translated

APPLICATION_ID = 0x6B776768  # "kwgh"; tells a store from other programs' databases
BUSY_SECONDS = 15.0

_Prepare = Callable[[sqlite3.Connection, Path], sqlite3.Connection]


@cache
def migrations() -> dict[int, str]:
    """SQL scripts by number; a number once released is never changed, later ones are appended."""
    scripts = [entry for entry in files(__package__).iterdir() if entry.name.endswith(".sql")]
    numbered = {int(entry.name.split("_")[0]): entry.read_text(encoding="utf-8") for entry in scripts}
    return dict(sorted(numbered.items()))


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection in autocommit mode; ``mode`` is a query string of SQLite's URI names."""
    uri = f"file:{quote(str(path))}?{mode}"
    # Threads that take turns may share a connection, as those of the live page's server do.
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def open_writable(path: Path, create: bool) -> sqlite3.Connection:
    """Open for reading and writing, with all migrations applied; raises `StoreError`."""
    with translated(path):
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(path, "mode=rwc" if create else "mode=rw")
        return _or_close(connection, path, _prepare_writable)


def open_readable(path: Path) -> sqlite3.Connection:
    """Open for reading only, on a read-only disk too; raises `StoreError`."""
    with translated(path):
        try:
            connection = connect(path, "mode=ro")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection = _open_where_nothing_can_be_written(path)
        return _or_close(connection, path, _prepare_readable)


def version(connection: sqlite3.Connection) -> int:
    """Number of the latest migration that the file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _or_close(connection: sqlite3.Connection, path: Path, prepare: _Prepare) -> sqlite3.Connection:
    try:
        return prepare(connection, path)
    except BaseException:
        connection.close()
        raise


def _prepare_writable(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    _recognise(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")  # a read-only file says so now and not after the first reply
    try:
        _migrate(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return connection


def _prepare_readable(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    _recognise(connection, path)
    if version(connection) == 0:
        raise StoreError(
            f"store '{path}' holds no campaign yet: begin with `kernelwright run layer_norm` "
            "or `kernelwright import FILE`"
        )
    if version(connection) == max(migrations()):
        return connection
    private = _or_close(_private(connection), path, _prepare_writable)
    private.execute("PRAGMA query_only = ON")  # what is written here would be lost
    return private


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application or tables):
        raise StoreError(f"'{path}' is another program's database: name another file with --store")
    found, known = version(connection), max(migrations())
    if found > known:
        raise StoreError(
            f"store '{path}' was written by a newer kernelwright (format {found}, this one knows {known}): "
            "upgrade kernelwright, or name another file with --store"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    for number, script in migrations().items():
        if number <= version(connection):
            continue
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> list[str]:
    # executescript would commit the transaction that holds all migrations together.
    found, text = [], ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found


def _open_where_nothing_can_be_written(path: Path) -> sqlite3.Connection:
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return _copy(path)
    return connect(path, "mode=ro&immutable=1")


def _copy(path: Path) -> sqlite3.Connection:
    """A connection to a private copy of the file and its write-ahead log."""
    with tempfile.TemporaryDirectory(prefix="kernelwright-store-") as folder:
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, Path(folder) / (path.name + suffix))
        return _private(connect(Path(folder) / path.name, "mode=rw"))


def _private(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of what the connection sees now, whoever writes meanwhile; closes the connection.

    The copy is SQLite's own temporary file, which takes memory only as far as the page cache goes.
    """
    private = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.backup(private)
    return private
