"""The verdict on a kernel whose process the evaluator could not make sense of, or did not survive."""

from __future__ import annotations

from typing import Literal

from . import sandbox
from .evaluation import Evaluation, Status
from .phases import sha256_of
from .protocol import Job


def senseless(problem: Exception) -> str:
    """Why there is no better verdict; the problem's own words may be the candidate's and are left out."""
    kind = type(problem).__name__
    return f"the evaluator could not make sense of what the candidate's process said ({kind})"


def failed(
    job: Job, reason: str, *, kind: Literal["cuda", "offline"], device: str, confined: sandbox.Level
) -> Evaluation:
    """A runtime error with nothing but its reason."""
    return Evaluation(
        task=job.task,
        kernel=sha256_of(job.source),
        target=job.target,
        device=device,
        provenance="measured" if kind == "cuda" else "estimated",
        sandbox=confined,
        status=Status.RUNTIME_ERROR,
        reason=reason,
        warnings=[sandbox.PROCESS_WARNING] if confined == "process" else [],
    )
