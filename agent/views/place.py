"""Where verdicts come from: which card, and which file."""

from __future__ import annotations

from kernelwright.evaluator.gpus import gpu_by_title

from ..record import Campaign, Record
from .text import one_line

UNSEEN = "and was not verified here"
"""Said of a verdict that came with a file."""


def elsewhere(record: Record) -> str:
    """``, measured on NVIDIA H200`` where that is not the card that the kernels are made for, else nothing."""
    target = record.campaign.settings.target
    verdicts = (attempt.evaluation for attempt in record.attempts if attempt.evaluation)
    devices = dict.fromkeys(verdict.device for verdict in verdicts if verdict.provenance == "measured")
    others = [one_line(device) for device in devices if not _is(device, target)]
    return f", measured on {' and '.join(others)}" if others else ""


def came_from(campaign: Campaign) -> str:
    """``, imported`` for a campaign that was taken from a file, else nothing."""
    return ", imported" if campaign.imported is not None else ""


def _is(device: str, target: str) -> bool:
    card = gpu_by_title(device)
    return card is not None and card.name == target
