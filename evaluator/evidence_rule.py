"""The rule that a candidate's own Triton kernels must do the work, on a card and offline alike."""

from __future__ import annotations

EVIDENCE_SHARE = 0.5
"""The least share of the time that the source's own Triton kernels must take."""


def too_little_triton(share: float, what: str) -> str:
    """The sentence for a candidate below it."""
    return (
        f"the source's own Triton kernels took {share:.0%} of the {what}: "
        f"at least {EVIDENCE_SHARE:.0%} of the work must be theirs"
    )
