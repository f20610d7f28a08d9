"""What of a campaign's settings goes along: nothing that leads to a file or a server of somebody else's."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from kernelwright.evaluator.gpus import gpu
from kernelwright.reference_kernels.task import ELSEWHERE, bundled, refuse_elsewhere
from kernelwright.stages import stage

from ..record import Campaign, CampaignStatus, Record

STOPPED = "it had not finished when it was exported"


def left_behind(campaign: Campaign) -> Campaign:
    """The campaign without a server, a record to answer from or a task of its own machine, and not running."""
    kept = campaign.settings.model_copy(
        update={"base_url": None, "replay_from": None, "task": task_name(campaign.settings.task)}
    )
    stopped = {"status": CampaignStatus.PAUSED, "pause_reason": STOPPED}
    running = campaign.status is CampaignStatus.RUNNING
    return campaign.model_copy(update={"settings": kept, **(stopped if running else {})})


def task_name(task: str) -> str:
    """A bundled task's name; of any other the last name, marked so that nothing is ever loaded for it."""
    if task in bundled():
        return task
    path = PurePosixPath(task.removesuffix(ELSEWHERE))
    name = path.stem if path.suffix == ".py" else path.name
    return (re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:80] or "task") + ELSEWHERE


def can_go_on(record: Record) -> None:
    """Raise `TaskError`, `UnknownGpu` or `UnknownStage` when a resume would need what is not here."""
    settings = record.campaign.settings
    refuse_elsewhere(settings.task)
    gpu(settings.target)
    for name in dict.fromkeys([*settings.stages, *(a.stage for a in record.attempts if a.stage)]):
        stage(name)
