"""``run`` and ``resume``: campaigns from their plan to their summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import UsageProblem
from .options import (
    AsJson,
    BaseUrl,
    CampaignId,
    Device,
    MaxMinutes,
    MaxTokens,
    MaxUsd,
    Model,
    StoreFile,
    Target,
)
from .pursuing import announce, pursue

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import DeviceKind

    from ..record import Settings
    from .planning import Plan


def run(
    task: Annotated[
        str,
        typer.Argument(metavar="TASK", help="A bundled task, a task folder or a KernelBench .py file."),
    ],
    seed: Annotated[
        Path | None,
        typer.Option("--seed", metavar="FILE", help="Start from this kernel, not from the task's own."),
    ] = None,
    target: Target = None,
    device: Device = None,
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider",
            metavar="auto|openai|manual|replay|tuner",
            help="Where replies come from.  [default: auto]",
        ),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    from_campaign: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="CAMPAIGN",
            help="Go this campaign's way again: its replies, and its verdicts too unless --device is named.",
        ),
    ] = None,
    from_store: Annotated[
        Path | None,
        typer.Option("--from-store", metavar="FILE", help="The store of --from.  [default: that of --store]"),
    ] = None,
    stages: Annotated[
        str | None,
        typer.Option("--stages", metavar="A,B,C", help="These stages, in this order; `stages` lists all."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", metavar="N", help="Optimise attempts in each stage.")
    ] = None,
    samples: Annotated[int | None, typer.Option("--samples", metavar="K", help="Replies per prompt.")] = None,
    repairs: Annotated[
        int | None, typer.Option("--repairs", metavar="N", help="Repairs of one failed attempt.")
    ] = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    max_minutes: MaxMinutes = None,
    store: StoreFile = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE.toml", help="Defaults for all of this; flags win."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.PATH=VALUE", help="One configuration key; may be repeated."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show plan, budget and the first prompt's size; call and store nothing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Optimise a kernel, stage by stage, and keep what is faster.

    \b
    Examples:
      kernelwright run layer_norm
      kernelwright run layer_norm --provider openai --model MODEL --max-minutes 30
      kernelwright run layer_norm --stages block_tiling,memory_access --dry-run
      kernelwright run layer_norm --provider replay --from abcd
    """
    from ..config import load
    from .opening import could_write, provider_for, store_path
    from .planning import make_plan
    from .retracing import named_source

    flags = {
        "campaign.target": target,
        "campaign.device": device,
        "campaign.stages": None if stages is None else _names(stages),
        "campaign.rounds": rounds,
        "campaign.samples": samples,
        "campaign.repairs": repairs,
        "provider.name": provider,
        "provider.model": model,
        "provider.base_url": base_url,
        "provider.replay_campaign": from_campaign,
        "provider.replay_from": str(from_store) if from_store else None,
        "budget.max_tokens": max_tokens,
        "budget.max_usd": max_usd,
        "budget.max_minutes": max_minutes,
    }
    wanted = load(config, assignments or [], flags)
    if from_store is not None and wanted.provider.replay_campaign is None:
        raise UsageProblem(
            f"--from-store '{from_store}' alone says nothing: name a campaign of it with --from CAMPAIGN"
        )
    plan = make_plan(task, wanted, seed, source=named_source(wanted, store_path(store)))
    provider_for(plan.settings, "check", store_path(store))  # what it lacks is said before a campaign exists
    if dry_run:
        from .dry_run import show_plan

        could_write(store)
        show_plan(plan, as_json)
        return
    announce(plan.lines)
    _begin(plan, store, as_json)


def resume(
    campaign: CampaignId,
    device: Device = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            "--rounds",
            metavar="N",
            help="Optimise attempts in each stage that is not over; one that has so many ends.",
        ),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    max_minutes: MaxMinutes = None,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a campaign where it stopped, or carry an offline one to a card.

    With --device cuda an offline campaign's best finds are measured first, and the card decides.

    \b
    Examples:
      kernelwright resume abcd
      kernelwright resume abcd --device cuda
      kernelwright resume abcd --max-minutes 60
      kernelwright resume abcd --rounds 1
    """
    from ..portable.settings import can_go_on
    from .changing import change, changes
    from .opening import store_option, writing

    limits = {"max_tokens": max_tokens, "max_usd": max_usd, "max_minutes": max_minutes}
    wanted = changes(rounds, limits, model=model, base_url=base_url)
    with writing(store, create=False) as opened:
        name = opened.campaign_id(campaign)
        can_go_on(opened.record(name))
        change(opened, name, wanted)
        settings = opened.record(name).campaign.settings
        kind = _device_to_resume_on(device, settings, opened.path)
        carry = kind == "cuda" and settings.device == "offline"
        pursue(opened, name, kind, carry, as_json, store_option(store))


def _names(stages: str) -> list[str]:
    names = [name.strip() for name in stages.split(",") if name.strip()]
    if not names:
        raise UsageProblem(f"--stages '{stages}' names no stage: `kernelwright stages` lists them")
    return names


def _begin(plan: Plan, store: Path | None, as_json: bool) -> None:
    from kernelwright.reference_kernels import TaskError

    from .opening import store_option, writing

    with writing(store, create=True) as opened:
        seed = opened.put_text(plan.seed) if plan.seed is not None else None
        campaign = opened.new_campaign(plan.settings.model_copy(update={"seed": seed}), plan.budget)
        try:
            pursue(opened, campaign.id, plan.settings.device, False, as_json, store_option(store))
        except TaskError:  # the judge refused the task itself: no resume would get further
            opened.take_back(campaign.id)
            raise


def _device_to_resume_on(asked: str | None, settings: Settings, store: Path) -> DeviceKind:
    from .planning import choose_place

    stored = settings.device
    if settings.recorded:
        return _recorded_device(asked, settings, store)
    place = choose_place(asked or stored, settings.target, "as asked" if asked else "as before")
    announce(place.lines)
    if stored == "cuda" and place.device == "offline":
        raise UsageProblem(
            "this campaign was measured on a card and cannot go on with estimates: use --device cuda"
        )
    return place.device


def _recorded_device(asked: str | None, settings: Settings, store: Path) -> DeviceKind:
    from .opening import source_of
    from .retracing import device_line

    if asked is not None:
        raise UsageProblem(
            "this campaign's verdicts are another one's, and nothing is judged: leave --device out, or begin one"
            f" that judges with `kernelwright run … --from {settings.replay_campaign} --device {asked}`"
        )
    source = source_of(settings, store)
    announce((device_line(source),) if source else ())
    return settings.device
