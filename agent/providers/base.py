"""Where replies come from: one small protocol, four implementations."""

from __future__ import annotations

from typing import Protocol

from kernelwright.stages import Stage
from pydantic import BaseModel, ConfigDict

from ..record import Reply


class ProviderError(Exception):
    """A reply could not be had; the message says why and what to do."""


class WaitingForReply(ProviderError):
    """A person has to supply the reply (exit 4); the message names the files."""


class ProviderPaused(ProviderError):
    """The API is down, refuses the key or is out of quota: the campaign pauses resumably (exit 5)."""


class ProviderMisconfigured(ProviderError):
    """Something that the provider needs is missing here (exit 3)."""


class ReplayMiss(ProviderError):
    """The replay provider has no reply for this prompt (exit 1); the message shows a diff to the nearest."""


class NothingToPropose(ProviderError):
    """The tuner has no untried change in this stage: the stage ends, with this reason."""


class Request(BaseModel):
    """One question."""

    model_config = ConfigDict(extra="forbid")
    attempt: str
    """The attempt's id, for naming files."""
    prompt: str
    prompt_sha: str
    stage: Stage
    parent_source: str | None
    """The kernel that the prompt shows; None for a first kernel."""
    sample: int = 0
    """Which of several replies to one prompt, from 0."""
    tried: frozenset[str] = frozenset()
    """SHA-256 of every kernel that the campaign has seen."""
    answered: int = 0
    """Replies that the campaign already has: the place of the next one in a folder of replies."""


class Provider(Protocol):
    """Answers prompts."""

    name: str
    model: str

    def ask(self, request: Request) -> Reply:
        """The reply, as it came; raises a `ProviderError`."""
        ...
