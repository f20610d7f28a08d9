"""The loop: a campaign from wherever it stands to its end, to a pause, or to a prompt for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kernelwright.evaluator.protocol import Evaluator, GpuUnhealthy

from .campaigner import Campaigner, CampaignPaused
from .providers.base import Provider, ProviderPaused, ReplayMiss, Request, WaitingForReply
from .record import Campaign, CampaignStatus, Record, Reply
from .store import Store, StoreError
from .watcher import Watcher

__all__ = ["CampaignPaused", "remeasure", "run_campaign"]


def run_campaign(
    store: Store, campaign_id: str, evaluator: Evaluator, provider: Provider, watcher: Watcher
) -> Record:
    """Run or resume a campaign to its end and return its record.

    Raises `CampaignPaused` (resumable), `WaitingForReply` (a person has to answer), `CampaignHeld`
    (another process runs it), `StoreError`, and what a provider or the evaluator says of a broken
    installation. Whatever is raised, all that was done is stored, and the evaluator is closed.
    """
    with store.hold(campaign_id):
        return _run(store, campaign_id, evaluator, provider, watcher)


def remeasure(
    store: Store,
    campaign_id: str,
    evaluator: Evaluator,
    watcher: Watcher,
    top: int = 3,
    provider: Provider | None = None,
) -> Record:
    """Carry an offline campaign to a card: its baseline and the ``top`` finds are measured and decided.

    From then on it is a campaign on ``cuda``, which goes on with the stages that are left. Without a
    provider it pauses where the first reply is needed, which is at once while a person's reply is awaited.
    Raises what `run_campaign` raises; when it is
    stopped on the way, `run_campaign` goes on with it too.
    """
    with store.hold(campaign_id):
        carried = _carry_to_card(store, campaign_id, top)
        if provider is None and carried.status is CampaignStatus.WAITING:
            return store.record(campaign_id)
        try:
            return _run(store, campaign_id, evaluator, provider or _Nobody(), watcher)
        except CampaignPaused as pause:
            if not isinstance(pause.__cause__, _ProviderNeeded):
                raise
            return store.record(campaign_id)


def _carry_to_card(store: Store, campaign_id: str, top: int) -> Campaign:
    campaign = store.record(campaign_id).campaign
    if campaign.settings.device == "offline":
        settings = campaign.settings.model_copy(update={"device": "cuda", "remeasure": top})
        campaign = campaign.model_copy(update={"settings": settings})
        store.save_campaign(campaign)
    return campaign


def _run(
    store: Store, campaign_id: str, evaluator: Evaluator, provider: Provider, watcher: Watcher
) -> Record:
    campaigner = Campaigner(store, campaign_id, evaluator, provider, watcher)
    if campaigner.over:
        return campaigner.record
    try:
        with _stops_are_stored(campaigner):
            campaigner.open()
            return campaigner.run()
    finally:
        with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
            evaluator.close()


@contextmanager
def _stops_are_stored(campaigner: Campaigner) -> Iterator[None]:
    """Store why a campaign stops, and turn what can be resumed into `CampaignPaused`."""
    try:
        yield
    except WaitingForReply as waiting:
        _stop(campaigner, CampaignStatus.WAITING, str(waiting))
        raise
    except KeyboardInterrupt as interrupt:
        _stop(campaigner, CampaignStatus.PAUSED, "interrupted")
        raise CampaignPaused("interrupted", interrupted=True) from interrupt
    except ReplayMiss as fork:
        _stop(campaigner, CampaignStatus.PAUSED, str(fork).partition("\n")[0])
        campaigner.take_back_question()
        raise
    except (ProviderPaused, GpuUnhealthy) as problem:
        _stop(campaigner, CampaignStatus.PAUSED, str(problem))
        raise CampaignPaused(str(problem)) from problem
    except Exception as problem:
        _stop(campaigner, CampaignStatus.PAUSED, str(problem) or type(problem).__name__)
        raise


def _stop(campaigner: Campaigner, status: CampaignStatus, reason: str) -> None:
    # A store that fails to note the pause must not hide why there is one.
    with suppress(StoreError):
        campaigner.stop(status, reason)


class _ProviderNeeded(ProviderPaused):
    """Nobody was named who could answer."""


class _Nobody:
    """The provider of a `remeasure` that was given none."""

    name = "nobody"
    model = ""

    def ask(self, request: Request) -> Reply:
        raise _ProviderNeeded("the card has decided what was found offline: resume to go on with the stages")
