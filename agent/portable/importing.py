"""From a file to a store: all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..store import Store, StoreError
from .checking import bundle_of
from .exporting import bundle_in, packed
from .format import Bundle, PortableError, as_data, written
from .parsing import parsed, read_file
from .paths import this_machine
from .settings import left_behind


@dataclass(frozen=True)
class Imported:
    """What came of it."""

    campaign: str
    attempts: int
    new: bool
    """Whether the store did not have it before."""


def bundle_from(path: Path) -> Bundle:
    """The campaign in a file, checked and without what a stranger must not decide; raises `PortableError`."""
    bundle = bundle_of(parsed(read_file(path)))
    campaign = left_behind(bundle.record.campaign)
    return Bundle(bundle.record.model_copy(update={"campaign": campaign}), bundle.texts)


def import_campaign(store: Store, bundle: Bundle) -> Imported:
    """Store a campaign; raises `PortableError` when its id is another's, and `StoreError`."""
    campaign, attempts = bundle.record.campaign.id, len(bundle.record.attempts)
    if not _is_known(store, campaign):
        marked = bundle.record.campaign.model_copy(update={"imported": attempts})
        store.import_record(bundle.record.model_copy(update={"campaign": marked}), bundle.texts.values())
        return Imported(campaign, attempts, new=True)
    if not _is_the_same(store, bundle):
        raise PortableError(
            f"the store has another campaign {campaign}, or one that has gone on since: name another store with --store"
        )
    return Imported(campaign, attempts, new=False)


def _is_known(store: Store, campaign: str) -> bool:
    try:
        return store.campaign_id(campaign) == campaign
    except StoreError:  # none begins so
        return False


def _is_the_same(store: Store, bundle: Bundle) -> bool:
    """As it is stored, or as it would be exported from here."""
    known, wanted = bundle_in(store, bundle.record.campaign.id), written(as_data(bundle))
    if written(as_data(known)) == wanted:
        return True
    try:
        return packed(known, this_machine(store.path), {}).data == wanted
    except (PortableError, StoreError):
        return False
