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
from ..views.lineage import names
from ..views.summary import best_line
from ..views.text import plain
from .attempt_facts import Price, attempt_facts
from .campaign_facts import about, contenders, environment, head, stages, stop, warnings
from .chart import STYLE, gain_chart
from .texts import Text, long_texts, page_key
from .tree_facts import attempt_rows, stage_groups

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
        "tree": stage_groups(record),
        "attempts": attempt_rows(record),
    }


def page_texts(record: Record, text: Text) -> dict[str, Callable[[], str]]:
    """Key → what makes the text, for every key that the facts and the attempts' pages name.

    ``text`` gives the stored text of a SHA-256. An attempt's page is `attempt_facts` as JSON.
    """
    known, called = {attempt.id: attempt for attempt in record.attempts}, names(record)
    price = record.campaign.settings.usd_per_million
    pages: dict[str, Callable[[], str]] = {
        page_key(attempt): partial(
            _page,
            attempt,
            known.get(attempt.parent or ""),
            called,
            price,
            record.campaign.is_imported(attempt),
        )
        for attempt in record.attempts
    }
    return {**pages, **long_texts(record, text)}


def text_of(record: Record, text: Text, key: str) -> str:
    """One text of the page, for a server; raises KeyError for a key that the page does not name."""
    return page_texts(record, text)[key]()


def _page(
    attempt: Attempt, parent: Attempt | None, called: dict[str, str], price: Price, imported: bool
) -> str:
    return json.dumps(attempt_facts(attempt, parent, called, price, imported))


def _chart(record: Record) -> str:
    """Without the style that it has alone in a file, which the page's policy would report as a violation."""
    return gain_chart(record).replace(f"<style>{STYLE}</style>", "")
