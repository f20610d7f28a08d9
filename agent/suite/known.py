"""The best kernel that is known of a task: from campaigns, or from a folder of kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kernelwright.evaluator.phases import sha256_of

from .. import rules
from ..record import Attempt, CampaignStatus, Record
from ..store import Store
from .rows import Kernel


@dataclass(frozen=True)
class Find:
    """The best kernel of one campaign, with the time that a card gave it."""

    place: str
    store: Store
    attempt: str
    sha: str
    ms: float
    device: str


def best_in_stores(stores: Mapping[str, Store], task: str, device: str) -> Kernel | None:
    """The fastest measured kernel of that task, those measured on that card before all others.

    ``stores`` by what to call them. Raises `StoreError` when a store has lost the kernel's text.
    """
    found = [find for place, store in stores.items() for find in _finds(place, store, task)]
    if not found:
        return None
    best = min(found, key=lambda find: (find.device != device, find.ms))
    return Kernel(best.store.text(best.sha), best.sha, best.attempt, best.place)


def best_in_folder(folder: Path, name: str) -> Kernel | None:
    """The kernel of ``NAME.py``; raises OSError or UnicodeDecodeError when it cannot be read."""
    path = folder / f"{name}.py"
    if not path.is_file():
        return None
    source = path.read_text(encoding="utf-8")
    return Kernel(source, sha256_of(source), path.name, str(folder))


def _finds(place: str, store: Store, task: str) -> Iterator[Find]:
    for campaign in store.campaigns():
        if campaign.settings.task != task:
            continue
        record = store.outline(campaign.id)
        best = rules.best(record, "measured")
        if best is None or best.kernel_sha is None or best.evaluation is None:
            continue
        ms = _head_to_head_ms(record, best) or best.evaluation.ms
        if ms is not None:
            yield Find(place, store, best.id, best.kernel_sha, ms, best.evaluation.device)


def _head_to_head_ms(record: Record, best: Attempt) -> float | None:
    """The best's time among the campaign's final contenders; None before its end, or where it was another."""
    final = record.best
    if record.campaign.status is not CampaignStatus.FINISHED or final is None or final.id != best.id:
        return None
    return next((one.median_ms for one in record.campaign.standings if one.name == "best"), None)
