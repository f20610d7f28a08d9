"""What the report page shows of a campaign, as data that JSON can say. Pure.

`page_facts` is what is seen before anything is opened: the outcome, the chart, stages, the tree with a row
for each attempt. Whatever is read only when it is opened (an attempt's own page, its prompt, reply, kernel
and diff) is named there by a key, and `page_texts` says how to make it. A key changes when its text does, so a
live page asks again for nothing that it has.

Every string went through `views.text`: numbers read as they do on the terminal, nothing hostile is invisible.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ..record import Attempt, Record
from ..rules.lineage import failed
from ..views.attempt import gain, verdict_on
from ..views.lineage import lineage, names, provisional, state, step, where
from ..views.summary import best_line
from ..views.text import one_line, plain, time_of
from .attempt_facts import attempt_facts
from .campaign_facts import about, contenders, environment, head, stages, stop, warnings
from .chart import STYLE, gain_chart
from .texts import Text, key_of, long_texts
from .tree_facts import groups, levels

Facts = dict[str, Any]


def page_facts(record: Record, standing: str) -> Facts:
    """The outline; ``standing`` says how the campaign stands, as `Store.standing` does."""
    best = record.best
    return {
        "campaign": head(record, standing),
        "stop": stop(record, standing),
        "best": {"id": best.id if best else None, "line": plain(best_line(record).plain)},
        "chart": _chart(record),
        "contenders": contenders(record),
        "stages": stages(record),
        "about": about(record),
        "environment": environment(record.campaign.session),
        "warnings": warnings(record),
        "tree": groups(record),
        "attempts": _rows(record),
    }


def page_texts(record: Record, text: Text) -> dict[str, Callable[[], str]]:
    """Key → what makes the text, for every key that the facts and the attempts' pages name.

    ``text`` gives the stored text of a SHA-256. An attempt's page is `attempt_facts` as JSON.
    """
    known, called = {attempt.id: attempt for attempt in record.attempts}, names(record)
    pages: dict[str, Callable[[], str]] = {
        page_key(attempt): partial(_page, attempt, known.get(attempt.parent or ""), called)
        for attempt in record.attempts
    }
    return {**pages, **long_texts(record, text)}


def text_of(record: Record, text: Text, key: str) -> str:
    """One text of the page, for a server; raises KeyError for a key that the page does not name."""
    return page_texts(record, text)[key]()


def page_key(attempt: Attempt) -> str:
    """Names an attempt's page as it is now: another key once there is more to tell."""
    decision = attempt.decision
    reason = decision.reason if decision else None
    return key_of("page", attempt.id, attempt.kernel_sha, state(attempt), str(attempt.seconds), reason)


def _page(attempt: Attempt, parent: Attempt | None, called: dict[str, str]) -> str:
    return json.dumps(attempt_facts(attempt, parent, called))


def _chart(record: Record) -> str:
    """Without the style that it has alone in a file, which the page's policy would report as a violation."""
    return gain_chart(record).replace(f"<style>{STYLE}</style>", "")


def _rows(record: Record) -> list[Facts]:
    called, depth = names(record), levels(record)
    path = {attempt.id for attempt in lineage(record, record.best)}
    best = record.best.id if record.best else None
    return [
        {
            **_row(attempt, called),
            "level": depth[attempt.id],
            "path": attempt.id in path,
            "best": attempt.id == best,
        }
        for attempt in record.attempts
    ]


def _row(attempt: Attempt, called: dict[str, str]) -> Facts:
    broken = attempt.decision.broken_promises if attempt.decision else []
    return {
        "id": plain(attempt.id),
        "parent": plain(attempt.parent) if attempt.parent else None,
        "step": one_line(step(attempt)),
        "where": one_line(where(attempt)),
        "state": state(attempt),
        "tone": tone(attempt),
        "time": time_of(attempt.evaluation),
        "estimated": provisional(attempt),
        "gain": gain(attempt, called),
        "said": verdict_on(attempt) + "".join(f"; broken promise: {one_line(line)}" for line in broken),
        "kept": bool(attempt.decision and attempt.decision.accepted),
        "page": page_key(attempt),
    }


def tone(attempt: Attempt) -> str:
    """How it went, for a colour: ``good``, ``bad``, ``quiet`` (not better, nothing to judge) or ``open``."""
    if not attempt.done:
        return "open"
    if attempt.decision and attempt.decision.accepted:
        return "good"
    return "bad" if failed(attempt) else "quiet"
