from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from kernelwright.agent.providers.base import Request
from kernelwright.stages import Stage

MakeRequest = Callable[..., Request]


@pytest.fixture(scope="session")
def request_for() -> MakeRequest:
    """A request with the fields that a test names."""

    def make(prompt: str = "Make it faster.", knobs: tuple[str, ...] = (), **fields: Any) -> Request:
        stage = Stage(name="block_tiling", title="Tiling", focus="Tiles.", knobs=list(knobs))
        given = {"attempt": "abcd.3", "parent_source": None, "stage": stage, **fields}
        return Request(prompt=prompt, prompt_sha=sha256(prompt.encode()).hexdigest(), **given)

    return make
