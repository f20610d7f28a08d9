"""The two processes that runners without a card are forked from."""

from __future__ import annotations

from pathlib import Path

from ..places import remove
from ..runners import WarmParent


class Parents:
    """One whose runners record launches, one whose runners interpret. They serve every task and target."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.recorders = WarmParent(folder / "recorders", kind="recording")
        self.interpreters = WarmParent(folder / "interpreters", kind="interpreting")
        self.recorders.start()
        self.interpreters.start()

    def clean(self) -> None:
        """Leave nothing of one kernel to the next."""
        self.recorders.clean()
        self.interpreters.clean()

    def close(self) -> None:
        """End both and their runners, remove their files."""
        self.recorders.close()
        self.interpreters.close()
        remove(self._folder)
