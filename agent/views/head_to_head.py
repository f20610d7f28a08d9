"""The final head to head: eager, compile, seed and best, timed in interleaved fresh processes."""

from __future__ import annotations

from kernelwright.evaluator.protocol import Standing
from rich.table import Table
from rich.text import Text

from ..record import Attempt, AttemptKind, CampaignStatus, Record
from ..rules import baseline
from .lineage import names
from .text import interval, milliseconds, one_line, speedup, time_of, times


def contenders(record: Record) -> Table:
    """Eager, compile, seed and best head to head where that was measured; else seed and best alone."""
    standings = record.campaign.standings
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("head to head" if standings else "kernel", overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("speedup, 95 % interval", justify="right")
    if standings:
        for standing in standings:
            time, said = _standing(standing, standings[0])
            table.add_row(Text(_called(standing, record)), time, said)
        return table
    shown = {a.id: (name, a) for name, a in (start(record), ("best", record.best)) if a}
    for name, attempt in shown.values():
        timing = attempt.evaluation.timing if attempt.evaluation else None
        said = speedup(timing, names(record)) if timing else "not measured"
        table.add_row(name, time_of(attempt.evaluation), said)
    return table


def start(record: Record) -> tuple[str, Attempt | None]:
    """What the campaign set out from and what to call it: its seed, or the first kernel that it was given."""
    found = baseline(record)
    return "seed" if found is None or found.kind is AttemptKind.SEED else "first", found


def final(record: Record, attempt: Attempt | None) -> Standing | None:
    """How the campaign's seed or best did at its end; None for others, and before."""
    finished = record.campaign.status is CampaignStatus.FINISHED
    found = {standing.name: standing for standing in record.campaign.standings if finished}
    if attempt is None or not found:
        return None
    best, first = record.best, baseline(record)
    if best and attempt.id == best.id:
        return found.get("best")
    return found.get("seed") if first and attempt.id == first.id else None


def best_words(record: Record) -> str:
    """The best's time and gain: those of the final head to head, if there are, else of its own verdict."""
    best = record.best
    if best is None:
        return ""
    timing = best.evaluation.timing if best.evaluation else None
    own = f", {speedup(timing, names(record))}" if timing else ""
    return final_words(record, best) or f"{time_of(best.evaluation)}{own}"


def final_words(record: Record, attempt: Attempt) -> str:
    """``0.209 ms, 39.9× [39.8, 40.0] over eager``, or nothing without a time in the final head to head."""
    standing = final(record, attempt)
    if standing is None or standing.median_ms is None:
        return ""
    return ", ".join(part for part in _standing(standing, record.campaign.standings[0]) if part)


def sentences(record: Record) -> list[str]:
    """A sentence for each contender: ``best abcd.5: 0.209 ms, 39.9× [39.8, 40.0] over eager``."""
    standings = record.campaign.standings
    return [
        f"{_called(standing, record)}: {', '.join(part for part in _standing(standing, standings[0]) if part)}"
        for standing in standings
    ]


def _standing(standing: Standing, first: Standing) -> tuple[str, str]:
    if standing.median_ms is None:
        return "—", one_line(standing.reason or "not timed")
    if standing is first or standing.speedup is None:
        return milliseconds(standing.median_ms), ""
    ci = f" {interval(*standing.speedup_ci95)}" if standing.speedup_ci95 else ""
    return milliseconds(standing.median_ms), f"{times(standing.speedup)}{ci} over {one_line(first.name)}"


def _called(standing: Standing, record: Record) -> str:
    """``best abcd.5`` where it is certain that the name means that attempt."""
    ids = {a.id for a in (record.best, baseline(record)) if a and final(record, a) is standing}
    return " ".join([one_line(plain_name(standing, record), 60), *ids])


def plain_name(standing: Standing, record: Record) -> str:
    """The contender's own name; that of the start is ``first`` where no seed was given."""
    return start(record)[0] if standing.name == "seed" else standing.name
