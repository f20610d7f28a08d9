"""The file that ``bench`` fills: whole at every moment, and several processes may fill one."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from .errors import UsageProblem
from .saving import write_whole

if TYPE_CHECKING:
    from ..suite.rows import Place, Planned, Row, Suite

DEFAULT_FILE = Path(".kernelwright") / "bench.json"


class BenchFile:
    """Rows by task and card."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Suite:
        """What is there, nothing when there is no file; raises `UsageProblem` for a file of something else."""
        from ..suite.rows import Suite

        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return Suite()
        except IsADirectoryError:
            raise UsageProblem(f"'{self.path}' is a folder: name a file in it") from None
        except OSError as problem:
            raise UsageProblem(f"'{self.path}' cannot be read: {problem.strerror}") from None
        try:
            return Suite.model_validate_json(text)
        except ValidationError:
            raise UsageProblem(
                f"'{self.path}' was not written by this version of `kernelwright bench`: name another file with -o"
            ) from None

    def reserve(self, planned: Sequence[Planned], place: Place) -> None:
        """Say in each row of these plans whether it is out of date, before anything is judged.

        Raises `UsageProblem` for a path that cannot be filled.
        """
        from ..suite.staleness import marked

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise UsageProblem(f"'{self.path}' cannot be written: {problem.strerror}") from None
        with self._alone():
            write_whole(self.path, _bytes(marked(self.read(), planned, place)))

    def add(self, row: Row) -> None:
        """Take a row in, beside what other processes have added since it was last read."""
        with self._alone():
            write_whole(self.path, _bytes(self.read().merged(row)))

    def settled(self, planned: Planned, place: Place, since: datetime | None) -> Row | None:
        """The row that makes another run of that task needless, if it was made after ``since``."""
        from ..suite.staleness import settles

        rows = (row for row in self.read().tasks if settles(row, planned, place))
        return next((row for row in rows if since is None or row.when >= since), None)

    def stale(self, planned: Planned, place: Place) -> str | None:
        """Why the row that is there is out of date; None without one, and for one that is not."""
        from ..suite.staleness import is_of

        return next((row.stale for row in self.read().tasks if is_of(row, planned, place)), None)

    @contextmanager
    def claimed(self, planned: Planned, place: Place) -> Iterator[bool]:
        """Whether this process has the task for itself on such a card, as long as the context lasts."""
        from ..store.errors import CampaignHeld
        from ..store.hold import held

        about = f"{planned.task}\n{place.device}\n{place.target}"
        name = hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self.path, name, planned.name))
                free = True
            except CampaignHeld:
                free = False
            yield free

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While it lasts, no other process changes the file."""
        try:
            lock = self.path.with_name(f".{self.path.name[:100]}.lock").open("w")
        except OSError as problem:
            raise UsageProblem(f"'{self.path}' cannot be written: {problem.strerror}") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _bytes(suite: Suite) -> bytes:
    return (suite.model_dump_json(by_alias=True, indent=1) + "\n").encode()
