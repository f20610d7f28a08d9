"""Following a campaign while another process runs it."""

from __future__ import annotations

from ..record import Attempt, Record
from . import mapping
from .store import WITHOUT_BRIEF, Store

_Row = tuple[str, bytes | None]


class Follower:
    """One campaign's outline as it grows: after a change only the attempts that changed are parsed again.

    Threads that take turns may share it, and its store.
    """

    def __init__(self, store: Store, campaign_id: str) -> None:
        self.store = store
        self._campaign = campaign_id
        self._parsed: dict[int, Attempt] = {}
        self._changes: int | None = None
        self._record: Record | None = None

    def record(self) -> Record:
        """What `Store.outline` gives now, the same object as before when nothing was written; raises `StoreError`."""
        changes = self.store.changes()  # before the rows: what is written in between is seen next time
        if self._record is None or changes != self._changes:
            self._record = self._read()
            self._changes = changes
        return self._record

    def _read(self) -> Record:
        with self.store.one_moment():
            campaign, rows = self.store.campaign(self._campaign), self.store.attempt_rows(self._campaign)
        # By their hashes, since the rows of a long campaign hold tens of megabytes of briefs.
        self._parsed = {hash(row): self._parsed.get(hash(row)) or _outlined(row) for row in rows}
        return Record.model_construct(campaign=campaign, attempts=list(self._parsed.values()))


def _outlined(row: _Row) -> Attempt:
    return mapping.replied_from_json(Attempt, *row, without=WITHOUT_BRIEF)
