"""A campaign on its way: from wherever it stands to its summary, or to a stop that says how to go on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from .errors import KernelFailed

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import DeviceKind

    from ..record import Record
    from ..store import Store

FINDS_TO_MEASURE = 3
"""How many of the offline finds a card gets to decide."""


def pursue(store: Store, name: str, device: DeviceKind, carry: bool, as_json: bool, option: str) -> None:
    """Run the campaign to its end or its next stop; whatever stops it says how to go on."""
    from ..loop import remeasure, run_campaign
    from ..record import CampaignStatus
    from ..rules import plan
    from .opening import evaluator_for, provider_for
    from .output import stderr
    from .progress import TerminalWatcher
    from .retracing import check_path, path_of
    from .stopping import stops_named

    before = store.record(name)
    campaign = before.campaign
    if campaign.status is CampaignStatus.FINISHED and not carry:
        stderr().print(f"campaign {name} is finished already: nothing is left to do", soft_wrap=True)

    def hint() -> str:
        return f"`{_going_on(store, name, option)}` goes on"

    with stops_named(hint, lambda: _summarise(store.record(name), as_json, option) if as_json else None):
        provider = provider_for(campaign.settings, name, store.path)
        evaluator = evaluator_for(campaign.settings, name, store.path, device)
        try:
            with TerminalWatcher(stderr(), len(plan(before))) as watcher:
                if carry:
                    record = remeasure(store, name, evaluator, watcher, FINDS_TO_MEASURE, provider)
                else:
                    record = run_campaign(store, name, evaluator, provider, watcher)
        finally:
            with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
                evaluator.close()
    _summarise(record, as_json, option, path_of(store, campaign.settings, record))
    if record.best is None:
        raise KernelFailed(
            f"campaign {name} ended without a kernel that passed: `kernelwright tree {name}{option}` says why"
        )
    check_path(store, campaign.settings, record)


def _going_on(store: Store, name: str, option: str) -> str:
    from ..store import StoreError
    from ..views.summary import resume_command

    try:
        return resume_command(store.record(name), option)
    except StoreError:  # what stopped the campaign may be the store itself
        return f"kernelwright resume {name}{option}"


def _summarise(record: Record, as_json: bool, option: str, path: str | None = None) -> None:
    from ..views.summary import summary, summary_json
    from ..views.text import plain
    from .output import show, show_json

    if as_json:
        show_json({**summary_json(record), **({"path": path} if path else {})})
        return
    show(summary(record, option))
    if path:
        show("", plain(path))


def announce(lines: tuple[str, ...]) -> None:
    """Say on stderr what was chosen."""
    from rich.text import Text

    from ..views.text import plain
    from .output import stderr

    console = stderr()
    for line in lines:
        console.print(Text(plain(line)), soft_wrap=True)
