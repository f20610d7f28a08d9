"""What a new campaign will be: device, target and provider chosen with their reasons, then its settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ..config import Config
from .errors import UsageProblem
from .opening import read_text, task_path
from .retracing import as_recorded, check_task, device_line, provider_lines

if TYPE_CHECKING:
    from kernelwright.evaluator.devices import Card
    from kernelwright.evaluator.gpus import Gpu
    from kernelwright.evaluator.protocol import DeviceKind
    from kernelwright.reference_kernels import Task
    from kernelwright.stages import Stage

    from ..record import Budget, Settings
    from ..replaying.source import Source

DEFAULT_TARGET = "rtx-4090"


@dataclass(frozen=True)
class Place:
    """Where kernels are judged and for which card, each with the reason."""

    device: DeviceKind
    target: str
    lines: tuple[str, ...]
    """Said first."""


@dataclass(frozen=True)
class Plan:
    """A campaign before it begins."""

    task: Task
    settings: Settings
    budget: Budget
    seed: str | None
    """Source of the seed kernel; None: the campaign starts from the PyTorch reference."""
    lines: tuple[str, ...]
    """Device, target and provider with their reasons, said first."""


def choose_place(device: str | None, target: str | None, because: str = "as asked") -> Place:
    """Resolve ``auto``; raises `UsageProblem`, `UnknownGpu` or `EnvironmentLacks`.

    `because` says why it is the device that was named.
    """
    from kernelwright.evaluator.devices import detect_card
    from kernelwright.evaluator.gpus import gpu, gpu_by_title

    known = gpu(target) if target not in (None, "auto") else None  # before anything slow
    card = detect_card()
    kind, why = _device(device or "auto", card, because)
    own = gpu_by_title(card.name) if card and kind == "cuda" else None
    chosen = known or own or gpu(DEFAULT_TARGET)
    lines = [f"device: {kind}, {why.format(target=chosen.title)}"]
    note = _target_note(chosen, known, own, card, kind)
    return Place(kind, chosen.name, (*lines, *note))


def _device(wanted: str, card: Card | None, because: str) -> tuple[DeviceKind, str]:
    estimated = "candidates are compiled for the {target} and their time is estimated"
    match wanted:
        case "auto" if card:
            return "cuda", f"found {card.name}: candidates are measured on it"
        case "auto":
            return "offline", f"no GPU found: {estimated}"
        case "cuda" if card:
            return "cuda", f"{because}: candidates are measured on {card.name}"
        case "cuda":
            from kernelwright.evaluator.protocol import EnvironmentLacks

            raise EnvironmentLacks(
                "no CUDA card is visible here: `kernelwright doctor` says what is missing, and --device offline"
                " works without one"
            )
        case "offline":
            return "offline", f"{because}: {estimated}"
    raise UsageProblem(f"unknown device '{wanted}': choose auto, cuda or offline")


def _target_note(chosen: Gpu, known: Gpu | None, own: Gpu | None, card: Card | None, kind: str) -> list[str]:
    if kind == "offline" or card is None or chosen == own:
        return []
    if known is None:
        return [
            f"target: {chosen.name}, since {card.name} is not in the table of cards (--target names another)"
        ]
    return [f"target: {chosen.title}, which is not the card here ({card.name}): times are the card's"]


def make_plan(
    task_name: str,
    config: Config,
    seed_file: Path | None,
    env: Mapping[str, str] = os.environ,
    source: Source | None = None,
) -> Plan:
    """Settings of a new campaign; raises what is wrong with them before anything is stored.

    One that goes the way of ``source`` takes from it what is not named, and its verdicts too unless a device is.
    """
    from kernelwright.reference_kernels import load_task

    from ..providers.choose import choose, model_for
    from ..record import Budget, Settings

    task = load_task(task_name)
    if source is not None:
        check_task(task, source)
        config = as_recorded(config, source)
    stages = [stage.name for stage in stages_of(config)]
    seed = _seed(seed_file, task, source)
    wanted = config.provider
    check_base_url(wanted.base_url)
    price_needed(config.budget.max_usd, wanted.usd_per_million)
    provider, why = choose(wanted.name, model=wanted.model, base_url=wanted.base_url, env=env)
    if provider == "tuner" and seed is None:
        _needs_a_kernel(task, wanted.name)
    model = model_for(wanted.model, wanted.base_url, env) if provider == "openai" else wanted.model
    model = None if provider == "tuner" else model
    recorded = source is not None and config.campaign.device == "auto"
    place = _place(config, source)
    settings = Settings(
        task=task_path(task_name, task),
        target=place.target,
        device=place.device,
        provider=provider,
        model=model,
        stages=stages,
        recorded=recorded,
        **config.campaign.model_dump(include={"rounds", "samples", "repairs", "threshold"}),
        **wanted.model_dump(exclude={"name", "model"}),
    )
    budget = Budget(**config.budget.model_dump())
    providing = provider_lines(source, recorded) if source else [f"provider: {provider}. {why}"]
    return Plan(task, settings, budget, seed, (*place.lines, *providing))


def _place(config: Config, source: Source | None) -> Place:
    """The record's device when nobody names one; else as `choose_place`."""
    from kernelwright.evaluator.gpus import gpu

    wanted = config.campaign
    if source is None or wanted.device != "auto":
        return choose_place(wanted.device, wanted.target)
    target = source.record.campaign.settings.target if wanted.target == "auto" else wanted.target
    return Place(source.session.kind, gpu(target).name, (device_line(source),))


def _needs_a_kernel(task: Task, asked: str) -> NoReturn:
    """Nobody is there who could write a first kernel; raises before a campaign is stored."""
    from ..providers.base import ProviderMisconfigured

    problem = UsageProblem if asked == "tuner" else ProviderMisconfigured
    lacks = "" if asked == "tuner" else "no model is configured, and "
    raise problem(
        f"{lacks}the built-in tuner changes kernels but cannot write the first one, which task '{task.name}' needs:"
        " export OPENAI_API_KEY or name a server with --base-url URL --model NAME, take the replies from any chat"
        " window with --provider manual, or begin from a kernel with --seed FILE"
    )


def check_base_url(base_url: str | None) -> None:
    """Raise `UsageProblem` for what is no address, and for a name and password, which would be stored."""
    if base_url is None:
        return
    if "@" in base_url:
        raise UsageProblem(
            "the base URL holds an '@', as one with a name and a password does, and it would be stored: leave "
            "them out and export OPENAI_API_KEY"
        )
    if not re.match(r"https?://[^/\s?#]+[^\s]*$", base_url.strip()):
        raise UsageProblem(
            f"base URL '{base_url}' is no address: write it as http://localhost:8000/v1 or https://HOST/v1"
        )


def price_needed(max_usd: float | None, usd_per_million: tuple[float, float] | None) -> None:
    """Raise `UsageProblem` for a limit in dollars when nobody knows what a token costs."""
    if max_usd is not None and usd_per_million is None:
        raise UsageProblem(
            "a limit in dollars needs the price of a million prompt and completion tokens: begin the campaign "
            "with --set provider.usd_per_million=[2.5,10], with your model's prices, or use --max-tokens"
        )


def stages_of(config: Config) -> list[Stage]:
    """The stages that the configuration names, else the plan; raises `UnknownStage` or `UsageProblem`."""
    from kernelwright.stages import PLAN, stage

    names = config.campaign.stages or list(PLAN)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageProblem(
            f"stage '{twice}' is named twice: a campaign has each stage once, --rounds repeats it"
        )
    return [stage(name) for name in names]


def _seed(file: Path | None, task: Task, way: Source | None) -> str | None:
    """The campaign's starting kernel; a file that is no kernel is refused before a campaign begins."""
    from kernelwright.evaluator.source import check_source

    if file is None and way is not None:
        return way.texts.get(way.record.campaign.settings.seed or "")
    if file is None:
        return read_text(task.seed, "seed kernel") if task.seed else None
    source = read_text(file, "seed kernel")
    problem = check_source(source)
    if problem is not None:
        raise UsageProblem(f"seed kernel '{file}' is no kernel: {problem.reason}")
    return source


@dataclass(frozen=True)
class PlannedStage:
    """How often one stage of a plan may ask."""

    name: str
    rounds: int
    samples: int
    repairs: int
    """Of one failed reply."""

    @property
    def replies_at_most(self) -> int:
        """When every reply fails and each is repaired as often as it may be."""
        return self.rounds * self.samples * (1 + self.repairs)


def planned_stages(plan: Plan) -> list[PlannedStage]:
    """The stages in order; without a seed, the one that makes a first kernel comes before."""
    from kernelwright.stages import stage

    from ..rules import FIRST_KERNEL, rounds_planned

    settings = plan.settings
    before = [] if plan.seed is not None else [FIRST_KERNEL]
    found = [stage(name) for name in dict.fromkeys([*before, *settings.stages])]
    return [
        PlannedStage(
            name=each.name,
            rounds=rounds_planned(settings, each),
            samples=settings.samples,
            repairs=each.repairs if settings.repairs is None else settings.repairs,
        )
        for each in found
    ]
