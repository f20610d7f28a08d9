"""Writes the store that later versions must be able to open: `python tests/agent/store/make_store.py`.

Run it once, before a migration is added, with the code as it then is: it writes ``stores/<number>.db``, which is
never changed afterwards.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from kernelwright.agent.loop import CampaignPaused, run_campaign
from kernelwright.agent.providers.base import Request, WaitingForReply
from kernelwright.agent.record import Campaign, CampaignStatus, Reply
from kernelwright.agent.store import Answers, Store
from kernelwright.agent.store.database import migrations
from kernelwright.evaluator.protocol import Job
from loop_world import Judge, Quiet, Script, begin, mixed, source
from sample_campaigns import fill, measured_record, offline_record

STORES = Path(__file__).parent / "stores"


class Person:
    """A provider that waits for ever."""

    name = "manual"
    model = "manual"

    def ask(self, request: Request) -> Reply:
        raise WaitingForReply("no reply is there yet")


def stop_at(last: int) -> Judge:
    """A judge that is interrupted at that verdict."""
    left = [last]

    def before(job: Job) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    return Judge(before=before)


def interrupted(store: Store) -> Campaign:
    """A campaign with an attempt under way, replies without code and one with half a character."""
    campaign = begin(store, rounds=3)
    try:
        run_campaign(store, campaign.id, stop_at(4), Script(mixed), Quiet())
    except CampaignPaused:
        return store.record(campaign.id).campaign
    raise AssertionError("the campaign came to its end")


def make(path: Path) -> None:
    """Campaigns of all shapes: finished, paused on a budget, waiting, interrupted, killed, and one just begun."""
    with Store.open(path) as store:
        fill(store, offline_record(), measured_record())
        Answers(store).new(
            offline_record().attempts[1], "openai", "m-2", Reply(text="\ud800", provider="p", model="m")
        )
        interrupted(store)
        killed = interrupted(store).model_copy(
            update={"status": CampaignStatus.RUNNING, "pause_reason": None}
        )
        store.save_campaign(killed)
        waiting = begin(store, provider="manual")
        try:
            run_campaign(store, waiting.id, Judge(), Person(), Quiet())
        except WaitingForReply:
            store.put_text(source(1.0, tag="nobody's"))
        begin(store, provider="tuner")


if __name__ == "__main__":
    target = STORES / f"{max(migrations()):04}.db"
    if target.exists():
        raise SystemExit(f"{target.name} is there already and must stay as it is")
    make(target)
