"""What the page says of a campaign as a whole: how it stands, contenders, stages, settings, environment. Pure."""

from __future__ import annotations

from typing import Any

from kernelwright.evaluator.protocol import Session, Standing

from ..record import Attempt, Budget, CampaignStatus, Record
from ..rules.accounts import BETWEEN, StageAccount, accounts, seed_account, total
from ..views.accounts import dollars, stage_notes, worth
from ..views.head_to_head import plain_name, start
from ..views.lineage import names
from ..views.place import came_from
from ..views.summary import resume_command
from ..views.text import interval, milliseconds, one_line, plural, seconds, speedup, time_of, times

Pairs = list[tuple[str, str]]
"""Label and value, in the order in which they are shown."""


def head(record: Record, standing: str) -> dict[str, Any]:
    """Title and status."""
    campaign, settings = record.campaign, record.campaign.settings
    provider = settings.provider if settings.model is None else f"{settings.provider}/{settings.model}"
    return {
        "id": one_line(campaign.id),
        "task": one_line(settings.task),
        "title": f"{one_line(settings.task)} for the {one_line(settings.target)}",
        "begun": f"{campaign.created:%Y-%m-%d %H:%M} UTC",
        "provider": one_line(provider),
        "standing": standing + came_from(campaign),
        "running": standing == CampaignStatus.RUNNING.value,
        "used": used(record),
    }


def stop(record: Record, standing: str) -> list[str]:
    """Why the campaign does not go on, and the command that makes it."""
    why = record.campaign.pause_reason
    if standing == "stopped":
        why = "its process is gone; everything up to there is stored"
    return [f"{standing}: {one_line(why)}", f"`{resume_command(record)}` goes on"] if why else []


def used(record: Record) -> str:
    """Attempts, tokens and wall-clock time so far."""
    parts = [plural(len(record.attempts), "attempt"), seconds(record.campaign.seconds)]
    return ", ".join([parts[0], *([plural(record.tokens, "token")] if record.tokens else []), parts[1]])


def contenders(record: Record) -> list[dict[str, Any]]:
    """Eager, compile, seed and best head to head where that was measured; else seed and best alone."""
    standings = record.campaign.standings
    if standings:
        return [_standing(standing, standings[0], plain_name(standing, record)) for standing in standings]
    shown = {a.id: (name, a) for name, a in (start(record), ("best", record.best)) if a}
    return [_alone(name, attempt, record) for name, attempt in shown.values()]


def _standing(standing: Standing, first: Standing, name: str) -> dict[str, Any]:
    if standing.median_ms is None:
        return _contender(name, "—", one_line(standing.reason or "not timed"))
    if standing is first or standing.speedup is None:
        return _contender(name, milliseconds(standing.median_ms), "")
    ci = f" {interval(*standing.speedup_ci95)}" if standing.speedup_ci95 else ""
    over = f"{times(standing.speedup)}{ci} over {one_line(first.name)}"
    return _contender(name, milliseconds(standing.median_ms), over)


def _alone(name: str, attempt: Attempt, record: Record) -> dict[str, Any]:
    timing = attempt.evaluation.timing if attempt.evaluation else None
    said = speedup(timing, names(record)) if timing else "not measured"
    return _contender(name, time_of(attempt.evaluation), said)


def _contender(name: str, time: str, said: str) -> dict[str, Any]:
    return {"name": one_line(name, 60), "time": time, "said": said}


def stages(record: Record) -> dict[str, Any]:
    """The table of accounts, as the terminal has it: rows for the seed, the stages and all of it.

    ``columns`` names those cells of which something is known.
    """
    first, whole = seed_account(record), total(record)
    rows = [*([first] if first else []), *accounts(record), whole]
    known = ["attempts", *(["no proposal"] if whole.no_proposal else []), "kept", "gain"]
    known += ["tokens"] if whole.tokens else []
    known += [*(["USD"] if whole.usd is not None else []), "time", "outcome"]
    return {"columns": known, "rows": [_account(row) for row in rows], "notes": list(stage_notes(rows))}


def _account(row: StageAccount) -> dict[str, str]:
    between = row.stage == BETWEEN
    return {
        "stage": one_line(row.stage),
        "attempts": "" if between else str(row.attempts),
        "no proposal": str(row.no_proposal or ""),
        "kept": "" if between else str(row.kept),
        "gain": worth(row),
        "tokens": f"{row.tokens:,}" if row.tokens else "",
        "USD": dollars(row),
        "time": seconds(row.seconds) if row.seconds else "",
        "outcome": f"{row.outcome}: {one_line(row.reason or '')}" if row.outcome else "",
    }


def about(record: Record) -> Pairs:
    """What was decided when the campaign began, and what its limits are."""
    settings = record.campaign.settings
    temperature = None if settings.temperature is None else f"{settings.temperature:g}"
    pairs = [
        ("provider", settings.provider),
        ("model", settings.model),
        ("temperature", temperature),
        ("stages", ", ".join(settings.stages)),
        ("rounds", _given(settings.rounds)),
        ("replies to one prompt", str(settings.samples)),
        ("repairs", _given(settings.repairs)),
        ("least gain that counts", f"{settings.threshold:.1%}"),
        ("budget", _budget(record.campaign.budget)),
        ("used", used(record)),
        ("ended", record.campaign.finish_reason),
        ("seed kernel", settings.seed),
    ]
    return said(pairs)


def _budget(budget: Budget) -> str:
    limits = []
    if budget.max_tokens is not None:
        limits.append(plural(budget.max_tokens, "token"))
    if budget.max_usd is not None:
        limits.append(f"{budget.max_usd:g} USD")
    if budget.max_minutes is not None:
        limits.append(f"{budget.max_minutes:g} min")
    return ", ".join(limits) or "no limit"


def _given(value: int | None) -> str:
    return "as each stage says" if value is None else str(value)


def environment(session: Session | None) -> Pairs:
    """Where kernels were judged in the latest run: card, floor, noise, sandbox, versions."""
    if session is None:
        return []
    floor, noise = session.floor_ms, session.noise_floor
    pairs = [
        ("judged on", "no card: estimated offline" if session.kind == "offline" else session.device),
        ("made for", session.target),
        ("sandbox", session.sandbox),
        ("floor on this card", None if floor.device is None else milliseconds(floor.device)),
        (f"floor on the {session.target}", milliseconds(floor.target)),
        ("noise floor", None if noise is None else f"{noise:.2%} between two copies of one kernel"),
        *session.environment.items(),
    ]
    return said(pairs)


def warnings(record: Record) -> list[str]:
    """What the session warned of."""
    session = record.campaign.session
    return [one_line(warning) for warning in session.warnings] if session else []


def said(pairs: list[tuple[str, str | None]]) -> Pairs:
    """Those pairs that have a value, fit to be shown."""
    return [(one_line(name.replace("_", " "), 60), one_line(value)) for name, value in pairs if value]
