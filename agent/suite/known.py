"""The best kernel that is known of a task: from campaigns, or from a folder of kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kernelwright.evaluator.phases import sha256_of

from ..record import Attempt, Campaign, CampaignStatus
from ..store import Store, StoreError
from ..store.mapping import replied_from_json
from ..store.store import WITHOUT_BRIEF
from .rows import Kernel


@dataclass(frozen=True)
class Source:
    """A campaign and where it lies."""

    place: str
    """What to call its store."""
    store: Store
    campaign: Campaign


@dataclass(frozen=True, eq=False)
class Find:
    """The best kernel of one campaign, with the time that a card gave it."""

    source: Source
    ms: float
    device: str
    told: bool
    """Whether the time is somebody's word: an imported file's, or that of a campaign whose verdicts are repeated."""
    attempt: Attempt | None
    """None while only the campaign's head to head has been looked at, which is quick and takes it at its word."""


def by_task(stores: Mapping[str, Store]) -> dict[str, list[Source]]:
    """All campaigns by their tasks, newest first in each store; ``stores`` by what to call them."""
    found: dict[str, list[Source]] = {}
    for place, store in stores.items():
        for campaign in store.campaigns():
            found.setdefault(campaign.settings.task, []).append(Source(place, store, campaign))
    return found


def best_of(sources: Iterable[Source], device: str) -> Kernel | None:
    """The fastest measured kernel of those campaigns.

    What was measured here comes before what is somebody's word, then what that card measured before all others.
    Raises `StoreError` when a store has lost the kernel's text.
    """
    finds = [find for source in sources for find in _claimed(source)]
    while finds:
        best = min(finds, key=lambda find: (find.told, find.device != device, find.ms))
        if best.attempt is not None and best.attempt.kernel_sha is not None:
            sha, source = best.attempt.kernel_sha, best.source
            return Kernel(source.store.text(sha), sha, best.attempt.id, source.place)
        at = finds.index(best)
        finds[at : at + 1] = _found(best.source)
    return None


def best_in_folder(folder: Path, name: str) -> Kernel | None:
    """The kernel of ``NAME.py``; raises OSError or UnicodeDecodeError when it cannot be read."""
    path = folder / f"{name}.py"
    if not path.is_file():
        return None
    source = path.read_text(encoding="utf-8")
    return Kernel(source, sha256_of(source), path.name, str(folder))


def _claimed(source: Source) -> list[Find]:
    """What the head to head at the campaign's end says, since reading all attempts takes long; else `_found`."""
    ms, session = _final_ms(source.campaign), source.campaign.session
    if ms is None or session is None:
        return _found(source)
    return [Find(source, ms, session.device, _is_told(source), attempt=None)]


def _is_told(source: Source) -> bool:
    """Whether nothing of the campaign was measured here: one that was imported and went on is taken for our own."""
    campaign = source.campaign
    if campaign.settings.recorded or campaign.imported is None:
        return campaign.settings.recorded
    try:
        source.store.attempt(f"{campaign.id}.{campaign.imported}")
    except StoreError:
        return True
    return False


def _found(source: Source) -> list[Find]:
    """The latest kernel that was kept on a card; nothing where there is none."""
    campaign, kept = source.campaign, _kept(source)
    if kept is None or kept.evaluation is None or kept.evaluation.ms is None:
        return []
    told = campaign.settings.recorded or campaign.is_imported(kept)
    final = _final_ms(campaign)
    if final is None:
        return [Find(source, kept.evaluation.ms, kept.evaluation.device, told, kept)]
    device = campaign.session.device if campaign.session else kept.evaluation.device
    return [Find(source, final, device, told, kept)]


def _kept(source: Source) -> Attempt | None:
    """As `rules.best` of what was measured, without reading what came before it."""
    for row in reversed(source.store.attempt_rows(source.campaign.id)):
        attempt = replied_from_json(Attempt, *row, without=WITHOUT_BRIEF)
        accepted = attempt.decision is not None and attempt.decision.accepted
        if accepted and attempt.evaluation is not None and attempt.evaluation.provenance == "measured":
            return attempt
    return None


def _final_ms(campaign: Campaign) -> float | None:
    """The best's time among the final contenders; None before the campaign's end and without a card."""
    if campaign.status is not CampaignStatus.FINISHED:
        return None
    return next((one.median_ms for one in campaign.standings if one.name == "best"), None)
