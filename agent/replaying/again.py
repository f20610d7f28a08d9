"""All that a record can be compared with today's code in. Pure but for reading the store."""

from __future__ import annotations

from collections.abc import Collection

from kernelwright.stages import stages

from ..store import Store
from .decisions import compare_decisions
from .difference import Comparison, Kind, Tick
from .prompts import compare_prompts
from .replies import compare_replies
from .salvage import Salvaged

KINDS: tuple[Kind, ...] = ("prompts", "replies", "decisions")


def compare(store: Store, found: Salvaged, kinds: Collection[Kind], tick: Tick) -> list[Comparison]:
    """One comparison for each kind that is asked for, in the order of `KINDS`; ``tick`` is told of each attempt."""
    made = {
        "prompts": lambda: compare_prompts(found.record, store.text, found.briefs, tick, stages()),
        "replies": lambda: compare_replies(found.record, store.text, found.replies, tick),
        "decisions": lambda: compare_decisions(found.record, stages(), tick),
    }
    return [made[kind]() for kind in KINDS if kind in kinds]
