"""A store that need not survive a power cut, which makes a campaign in it ten times as fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernelwright.agent.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "campaigns.db") as opened:
        opened._connection.execute("PRAGMA synchronous = OFF")
        yield opened
