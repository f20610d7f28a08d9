"""`Store`: what campaigns keep, and how it is found again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kernelwright.evaluator.phases import sha256_of

from ..record import Attempt, Budget, Campaign, CampaignStatus, Record, Settings
from . import database, ids, mapping
from .errors import StoreError, translated
from .hold import held, is_held

_NEW_CAMPAIGN = "INSERT INTO campaigns (id, created, data) VALUES (?, ?, ?)"
_ATTEMPT_ROWS = "SELECT a.data, t.bytes FROM attempts a LEFT JOIN texts t ON t.sha = a.reply_sha"
WITHOUT_BRIEF = frozenset({"brief"})
_SAVE_ATTEMPT = """
    INSERT INTO attempts (id, campaign, number, parent, prompt_sha, reply_sha, kernel_sha, data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        prompt_sha = excluded.prompt_sha, reply_sha = excluded.reply_sha,
        kernel_sha = excluded.kernel_sha, data = excluded.data
"""


class Store:
    """One SQLite file. Whatever a method stored is on the disk when it returns."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, create: bool = True, read_only: bool = False) -> Store:
        """Open the store at ``path``; raises `StoreError` with one sentence that says what to do."""
        given, path = path, Path(path).absolute()
        with translated(path):
            there, folder = path.exists(), path.is_dir()
        if folder:
            raise StoreError(
                f"store '{given}' cannot be opened, since it is a directory: name a file with --store"
            )
        if not there and (read_only or not create):
            raise StoreError(
                f"there is no store at '{path}': begin with `kernelwright run layer_norm` or "
                "`kernelwright import FILE`, or name another with --store or KERNELWRIGHT_STORE"
            )
        opened = database.open_readable(path) if read_only else database.open_writable(path, create)
        return cls(path, opened)

    def close(self) -> None:
        """Close the file."""
        with translated(self.path):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hold(self, campaign_id: str) -> AbstractContextManager[None]:
        """Be the only process that runs this campaign; raises `CampaignHeld` with who does already."""
        return held(self.path, campaign_id, f"campaign {campaign_id}")

    def standing(self, campaign: Campaign) -> str:
        """The campaign's status, or ``stopped`` when it says that it runs and no process runs it."""
        running = campaign.status is CampaignStatus.RUNNING
        return "stopped" if running and not is_held(self.path, campaign.id) else campaign.status.value

    def new_campaign(self, settings: Settings, budget: Budget) -> Campaign:
        """Begin a campaign under a new short id."""
        name = ids.new_id(lambda name: name in self._ids("campaigns"))
        campaign = Campaign(id=name, created=datetime.now(UTC), settings=settings, budget=budget)
        with self._writing() as connection:
            connection.execute(_NEW_CAMPAIGN, _campaign_row(campaign))
        return campaign

    def take_back(self, campaign_id: str) -> None:
        """Forget a campaign that never got as far as its first attempt; any other one stays."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM campaigns WHERE id = ? AND id NOT IN (SELECT campaign FROM attempts)",
                (campaign_id,),
            )

    def save_campaign(self, campaign: Campaign) -> None:
        """Store a campaign as it is now."""
        with self._writing() as connection:
            connection.execute(
                f"{_NEW_CAMPAIGN} ON CONFLICT (id) DO UPDATE SET data = excluded.data",
                _campaign_row(campaign),
            )

    def campaigns(self) -> list[Campaign]:
        """All campaigns, newest first."""
        rows = self._rows("SELECT data FROM campaigns ORDER BY created DESC, rowid DESC")
        return [mapping.from_json(Campaign, row[0]) for row in rows]

    def record(self, campaign_id: str) -> Record:
        """A campaign and its attempts by number; raises `StoreError` for an unknown id."""
        campaign, rows = self.campaign(campaign_id), self.attempt_rows(campaign_id)
        attempts = [mapping.replied_from_json(Attempt, data, reply) for data, reply in rows]
        return Record(campaign=campaign, attempts=attempts)

    def outline(self, campaign_id: str) -> Record:
        """The record without its briefs, which are most of its bytes and nothing that a view shows."""
        campaign, rows = self.campaign(campaign_id), self.attempt_rows(campaign_id)
        attempts = [mapping.replied_from_json(Attempt, *row, without=WITHOUT_BRIEF) for row in rows]
        return Record.model_construct(campaign=campaign, attempts=attempts)

    def attempt(self, attempt_id: str) -> Attempt:
        """One attempt, whole; raises `StoreError` for an unknown id."""
        found = self._rows(f"{_ATTEMPT_ROWS} WHERE a.id = ?", attempt_id)
        if not found:
            raise StoreError(f"there is no attempt '{attempt_id}'")
        return mapping.replied_from_json(Attempt, *found[0])

    def campaign(self, campaign_id: str) -> Campaign:
        """A campaign without its attempts; raises `StoreError` for an unknown id."""
        found = self._rows("SELECT data FROM campaigns WHERE id = ?", campaign_id)
        if not found:
            raise StoreError(f"there is no campaign '{campaign_id}'")
        return mapping.from_json(Campaign, found[0][0])

    def attempt_rows(self, campaign_id: str) -> list[tuple[str, bytes | None]]:
        """Each attempt's JSON and its reply's bytes as they lie in the file, by number; nothing is checked."""
        rows = self._rows(
            "SELECT a.data, CAST(t.bytes AS BLOB) FROM attempts a LEFT JOIN texts t ON t.sha = a.reply_sha "
            "WHERE a.campaign = ? ORDER BY a.number",
            campaign_id,
        )
        return [(data, reply) for data, reply in rows]

    def save_attempt(self, attempt: Attempt) -> None:
        """Store an attempt as it is now, with its reply's text, in one transaction."""
        reply_sha = None
        with self._writing() as connection:
            if attempt.reply is not None:
                reply_sha = put(connection, attempt.reply.text)
            connection.execute(_SAVE_ATTEMPT, _attempt_row(attempt, reply_sha))

    def import_record(self, record: Record, texts: Iterable[str]) -> None:
        """Store a new campaign with its attempts and texts, all or nothing; a taken id raises `StoreError`."""
        with self._writing() as connection:
            connection.execute(_NEW_CAMPAIGN, _campaign_row(record.campaign))
            for text in texts:
                put(connection, text)
            for attempt in record.attempts:
                reply_sha = sha256_of(attempt.reply.text) if attempt.reply else None
                connection.execute(_SAVE_ATTEMPT, _attempt_row(attempt, reply_sha))

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Whatever is read within is of one moment, though another process goes on writing."""
        with translated(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def put_text(self, text: str) -> str:
        """Store a text once, under the SHA-256 of its bytes."""
        with self._writing() as connection:
            return put(connection, text)

    def text(self, sha: str) -> str:
        """The text of that hash; raises `StoreError` when it is not there or not itself any more."""
        rows = self._rows("SELECT CAST(bytes AS BLOB) FROM texts WHERE sha = ?", sha)
        if not rows:
            raise StoreError(f"store '{self.path}' has no text {sha}")
        if hashlib.sha256(rows[0][0]).hexdigest() != sha:
            raise StoreError(f"store '{self.path}' is damaged: text {sha} is not what was stored")
        return mapping.from_bytes(rows[0][0])

    def campaign_id(self, prefix: str) -> str:
        """The campaign that a unique prefix means; raises `StoreError` with the candidates."""
        known = self._ids("campaigns")
        name = prefix.partition(".")[0]
        if name != prefix and name in known:
            raise StoreError(f"'{prefix}' is an attempt of campaign {name}: `kernelwright show {prefix}`")
        return ids.resolve("campaign", prefix, known)

    def attempt_id(self, prefix: str) -> str:
        """The attempt that a unique prefix means, as ``abcd.3``, ``ab.3`` or ``abcd`` of a lone seed."""
        known = self._ids("attempts")
        name, dot, number = prefix.partition(".")
        if prefix in known:
            return prefix
        if dot:
            campaign = self.campaign_id(name)
            return ids.resolve("attempt", f"{campaign}.{number}", ids.of_campaign(campaign, known))
        if prefix in self._ids("campaigns") and len(ids.of_campaign(prefix, known)) != 1:
            raise StoreError(
                f"'{prefix}' is a campaign: name one of its attempts, which `kernelwright tree {prefix}` shows"
            )
        return ids.resolve("attempt", prefix, known)

    def changes(self) -> int:
        """A number that is another one after every write through another connection, and says nothing else."""
        return int(self._rows("PRAGMA data_version")[0][0])

    def _ids(self, table: str) -> list[str]:
        order = {"campaigns": "created DESC, rowid DESC", "attempts": "campaign, number"}[table]
        return [row[0] for row in self._rows(f"SELECT id FROM {table} ORDER BY {order}")]

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with translated(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has already rolled back by itself after a full disk.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _campaign_row(campaign: Campaign) -> tuple[str, str, str]:
    return campaign.id, campaign.created.isoformat(), mapping.to_json(campaign)


def _attempt_row(attempt: Attempt, reply_sha: str | None) -> tuple[str | int | None, ...]:
    names = (attempt.id, attempt.campaign, attempt.number, attempt.parent)
    return *names, attempt.prompt_sha, reply_sha, attempt.kernel_sha, mapping.replied_to_json(attempt)


def put(connection: sqlite3.Connection, text: str) -> str:
    """Store a text once within a transaction that is under way; its SHA-256."""
    sha = sha256_of(text)
    connection.execute(
        "INSERT INTO texts (sha, bytes) VALUES (?, ?) ON CONFLICT (sha) DO NOTHING",
        (sha, mapping.to_bytes(text)),
    )
    return sha
