"""What a campaign that goes the way of a recorded one takes from it, and what is said of that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..config import CampaignConfig, Config
from .errors import KernelFailed, UsageProblem
from .opening import source_at, source_of

if TYPE_CHECKING:
    from kernelwright.reference_kernels import Task

    from ..record import Record, Settings
    from ..replaying.source import Source
    from ..store import Store

TAKEN = ("stages", "rounds", "samples", "repairs", "threshold", "target")
"""What the record decides where nothing else was asked for."""


def named_source(config: Config, store: Path) -> Source | None:
    """The record that the configuration names; raises `UsageProblem` or `StoreError`."""
    wanted = config.provider
    if wanted.replay_campaign is None:
        return None
    if wanted.name not in ("auto", "replay"):
        raise UsageProblem(
            f"--from {wanted.replay_campaign} takes a record's replies and --provider {wanted.name} asks for others:"
            " name one of them"
        )
    return source_at(Path(wanted.replay_from) if wanted.replay_from else store, wanted.replay_campaign)


def as_recorded(config: Config, source: Source) -> Config:
    """The configuration with the record's values wherever it names none; raises `UsageProblem` for impossible ones."""
    settings, given = source.record.campaign.settings, config.campaign.model_fields_set
    taken = {name: getattr(settings, name) for name in TAKEN if name not in given}
    where = config.provider.replay_from
    provider = {
        "name": "replay",
        "replay_campaign": source.id,
        "replay_from": str(Path(where).absolute()) if where else None,
    }
    return config.model_copy(
        update={
            "campaign": _checked(config.campaign, taken, source),
            "provider": config.provider.model_copy(update=provider),
        }
    )


def _checked(given: CampaignConfig, taken: dict[str, object], source: Source) -> CampaignConfig:
    try:
        return CampaignConfig.model_validate({**given.model_dump(exclude_unset=True), **taken})
    except ValidationError as problem:
        name = problem.errors()[0]["loc"][0]
        raise UsageProblem(
            f"campaign {source.id} has a '{name}' that no campaign can have: name another with --set campaign.{name}=…"
        ) from None


def check_task(task: Task, source: Source) -> None:
    """Raise `UsageProblem` for another task than the record's, of which only the name is sure to be known here."""
    from kernelwright.reference_kernels.task import ELSEWHERE

    recorded = source.record.campaign.settings.task
    name = Path(recorded.removesuffix(ELSEWHERE)).stem
    if name not in (task.name, task.folder.name, task.file.stem if task.file else task.name):
        raise UsageProblem(
            f"campaign {source.id} is about the task '{recorded}' and not '{task.name}': name that one"
        )


def device_line(source: Source) -> str:
    """The first line of a campaign that judges nothing."""
    return f"device: recorded, verdicts are those of {source.id}{source.place}"


def provider_lines(source: Source, recorded: bool) -> list[str]:
    """Where the replies come from, and what of the record cannot be gone through."""
    by_place = "" if recorded else " or, where new verdicts have changed those, by their place"
    said = f"provider: replay. Replies are those of {source.id}, found by their prompts{by_place}; no model is asked."
    return [said, *(f"note: {note}" for note in source.notes)]


def path_line(store: Store, record: Record, source: Source) -> str:
    """At the end: whether the campaign went the record's way."""
    from ..replaying.path import compared, other_prompts

    others = other_prompts(source.record, record, store.text, lambda sha: source.texts.get(sha, ""))
    said = f"; {others} of the prompts are not the record's" if others else ""
    return compared(source.record, record) + said


def check_path(store: Store, settings: Settings, record: Record) -> None:
    """Raise `KernelFailed` where a campaign whose replies and verdicts are a record's went another way."""
    from ..replaying.path import parted

    source = source_of(settings, store.path) if settings.recorded else None
    if source is not None and parted(source.record, record):
        raise KernelFailed(f"campaign {record.campaign.id} did not go the way of {source.id}")


def path_of(store: Store, settings: Settings, record: Record) -> str | None:
    """`path_line` of a campaign that goes a record's way; None for one that goes its own."""
    source = source_of(settings, store.path)
    return path_line(store, record, source) if source else None
