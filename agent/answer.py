"""What another model said to an attempt's prompt, as it is stored. Pure data."""

from __future__ import annotations

from datetime import datetime

from kernelwright.evaluator.evaluation import Evaluation
from pydantic import BaseModel, ConfigDict, Field

from .record import Failure, Reply


class Answer(BaseModel):
    """Prompt, reply, kernel, verdict: no part of the campaign's lineage, which stays as it was run.

    Fields are filled from top to bottom; the first empty one is the next step.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    """``<attempt>@<number>``."""
    attempt: str
    number: int
    """Counts the answers to one attempt from 1."""
    created: datetime
    provider: str
    model: str
    """As it was asked for; the reply names the one that answered."""
    prompt_sha: str
    reply: Reply
    failure: Failure | None = None
    kernel_sha: str | None = None
    evaluation: Evaluation | None = None
    differences: list[str] = Field(default_factory=list)
    """Why the attempt's stored verdict cannot be compared with this one, a phrase each."""
    again: Evaluation | None = None
    """The attempt's own kernel, judged where this one was; None when its stored verdict can be compared."""

    @property
    def extracted(self) -> bool:
        """Whether it is known what the reply holds."""
        return self.failure is not None or self.kernel_sha is not None

    @property
    def open(self) -> bool:
        """Whether something is left to do before it stands beside the attempt."""
        return self.failure is None and (
            self.evaluation is None or bool(self.differences and self.again is None)
        )
