"""``replay``: a campaign again from its record, with today's templates, extractor and rules."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Annotated, Self

import typer

from .errors import FAILED
from .opening import reading, store_option
from .options import AsJson, CampaignId, StoreFile
from .output import show_json, stderr, stdout

PATIENCE_S = 2.0
"""After so long without a result it is said how far the work is, and as often again."""


def replay(
    campaign: CampaignId,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Render every brief again and compare the bytes.")
    ] = False,
    replies: Annotated[
        bool, typer.Option("--replies", help="Take the kernel from every reply again.")
    ] = False,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Decide on every attempt and end every stage again.")
    ] = False,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Go through a campaign's record with today's templates, extractor and rules.

    Nothing is asked and nothing is judged. What comes out as it is stored is counted; of the rest the first
    difference of each kind is shown, and the exit code is 1. Without an option all three kinds are compared.

    \b
    Examples:
      kernelwright replay abcd
      kernelwright replay abcd --prompts
    """
    from ..replaying.again import KINDS, compare
    from ..replaying.salvage import salvage
    from ..views.replay import replay as view
    from ..views.replay import replay_json

    wanted = {"prompts": prompts, "replies": replies, "decisions": decisions}
    kinds = [kind for kind in KINDS if wanted[kind]] or list(KINDS)
    with reading(store) as opened, _no_collecting():
        name = opened.campaign_id(campaign)
        salvaged = salvage(opened, name)
        with _Patience(len(kinds) * len(salvaged.record.attempts)) as patience:
            found = compare(opened, salvaged, kinds, patience.tick)
    if as_json:
        show_json(replay_json(name, found))
    else:
        stdout().print(view(found, store_option(store)), soft_wrap=True)
    if not all(comparison.same for comparison in found):
        raise typer.Exit(FAILED)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """A long record and the syntax trees of its replies hold no cycles, and looking for some takes a third longer."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Patience:
    """Says on stderr how far the work is when it takes long; on a terminal the line goes away at the end."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._console = stderr()
        self._said_at = time.monotonic()
        self._shown = False

    def tick(self) -> None:
        """One more is done."""
        self._done += 1
        if time.monotonic() - self._said_at > PATIENCE_S:
            self._said_at, self._shown = time.monotonic(), True
            end = "\r" if self._console.is_terminal else "\n"
            self._console.print(f"replayed {self._done:,} of {self._total:,}", end=end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._console.is_terminal:
            self._console.print(" " * 40, end="\r")
