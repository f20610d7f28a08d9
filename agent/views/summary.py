"""How a campaign stands, at its end or at a pause: best kernel, contenders, lineage, what comes next."""

from __future__ import annotations

from typing import Any

from kernelwright.evaluator.protocol import Session
from kernelwright.stages import stages
from rich.console import Group, RenderableType
from rich.text import Text

from ..record import Attempt, AttemptKind, CampaignStatus, Record
from ..rules import baseline, way_on
from ..rules.budget import limit_reached
from .head_to_head import best_words, contenders, final_words
from .lineage import attempt_json, lineage, provisional, seed, where
from .place import elsewhere
from .text import milliseconds, one_line, plural, seconds, time_of


def summary(record: Record, option: str = "") -> RenderableType:
    """Everything that a person wants to know when ``run`` or ``resume`` ends; `option` goes with each command."""
    parts: list[RenderableType] = [best_line(record)]
    table = contenders(record)
    if table.row_count:
        parts += [Text(), table]
    parts += [Text(line) for line in (*_floor(record.campaign.session), _used(record))]
    path = lineage(record, record.best)
    if len(path) > 1:
        parts += [Text(), Text("lineage", style="dim"), *(_step(attempt) for attempt in path)]
    parts += [Text(), Text("next", style="dim"), *(_command(*line) for line in next_commands(record, option))]
    return Group(*parts)


def best_line(record: Record) -> Text:
    """Which kernel is the best, and how sure that is."""
    best = record.best
    if best is None:
        return Text("no kernel passed yet" + _seed_problem(record), style="bold red")
    target = record.campaign.settings.target
    line = Text("best kernel: ", style="bold").append(f"{best.id}, ", style="bold green")
    if provisional(best):
        line.append(time_of(best.evaluation), style="bold green").append(_seed_itself(best))
        return line.append(f" — provisional: estimated for the {target}, not measured", style="bold yellow")
    time, comma, gained = best_words(record).partition(", ")
    line.append(time, style="bold green").append(_seed_itself(best))
    how = ", head to head" if final_words(record, best) else ""
    return line.append(f"{comma}{gained}{how}{elsewhere(record)}")


def _seed_itself(best: Attempt) -> str:
    return ", which is the seed: nothing faster was kept" if best.kind is AttemptKind.SEED else ""


def _seed_problem(record: Record) -> str:
    first = seed(record)
    reason = first.evaluation.reason if first and first.evaluation else None
    return (
        f": the seed is {first.evaluation.status.value}: {one_line(reason)}"
        if first and first.evaluation and reason
        else ""
    )


def _floor(session: Session | None) -> list[str]:
    if session is None:
        return []
    if session.floor_ms.device is not None:
        return [f"floor on the {one_line(session.device)}: {milliseconds(session.floor_ms.device)}"]
    return [f"floor on the {session.target}: {milliseconds(session.floor_ms.target)}"]


def _used(record: Record) -> str:
    spent = [plural(len(record.attempts), "attempt"), seconds(record.campaign.seconds)]
    if record.tokens:
        spent.insert(1, plural(record.tokens, "token"))
    return "used: " + ", ".join(spent)


def _step(attempt: Attempt) -> Text:
    line = Text(f"  {attempt.id:<10}  {where(attempt):<22}  {time_of(attempt.evaluation)}")
    return line.append("  provisional", style="yellow") if provisional(attempt) else line


def _command(command: str, why: str) -> Text:
    return Text("  ").append(f"{command:<44}", style="cyan").append(f"  {why}", style="dim")


def next_commands(record: Record, option: str = "") -> list[tuple[str, str]]:
    """Commands that make sense now, each with what it is for."""
    campaign, best = record.campaign, record.best
    lines = []
    if campaign.status is not CampaignStatus.FINISHED:
        lines.append((resume_command(record), "go on where it stopped"))
    if best is not None:
        lines.append((f"kernelwright best {campaign.id} -o best.py", "the best kernel's source"))
    lines.append((f"kernelwright tree {campaign.id}", "what every stage tried and what came of it"))
    if best is not None and best.parent:
        first = baseline(record)
        against = f"{first.id} {best.id}" if first and first.id != best.id else best.id
        lines.append((f"kernelwright diff {against}", "what changed on the way"))
    if best is not None and provisional(best) and not campaign.settings.recorded:
        lines.append(
            (f"kernelwright resume {campaign.id} --device cuda", "measure the finds on a card and decide")
        )
    return [(command + option, why) for command, why in lines]


def resume_command(record: Record, option: str = "") -> str:
    """What goes on with a campaign; a limit that it has reached must be raised, or it would pause at once."""
    limit, way = limit_reached(record), way_on(record, stages())
    wanted = f" {limit} N" if limit else f" {way}" if way else ""
    return f"kernelwright resume {record.campaign.id}{wanted}{option}"


def summary_json(record: Record) -> dict[str, Any]:
    """The end of a campaign as data."""
    campaign, best, first = record.campaign, record.best, seed(record)
    return {
        "campaign": campaign.id,
        "status": campaign.status.value,
        "reason": campaign.finish_reason or campaign.pause_reason,
        "settings": campaign.settings.model_dump(mode="json"),
        "budget": campaign.budget.model_dump(mode="json"),
        "device": campaign.session.device if campaign.session else None,
        "floor_ms": campaign.session.floor_ms.model_dump(mode="json") if campaign.session else None,
        "seed": attempt_json(first) if first else None,
        "best": attempt_json(best) if best else None,
        "provisional": provisional(best) if best else None,
        "best_path": [attempt.id for attempt in lineage(record, best)],
        "standings": [standing.model_dump(mode="json") for standing in campaign.standings],
        "stage_ends": [end.model_dump(mode="json") for end in campaign.stage_ends],
        "attempts": len(record.attempts),
        "tokens": record.tokens,
        "seconds": campaign.seconds,
    }
