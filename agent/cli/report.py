"""``report``: a campaign as one HTML file, to be read, sent and kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import UsageProblem
from .opening import reading, record_of, store_path
from .options import AsJson, CampaignId, StoreFile
from .output import show, show_json, stderr
from .saving import may_write, write_whole

if TYPE_CHECKING:
    from ..report.page import Progress

QUIET_S = 2.0
"""Seconds before progress is worth a word."""


def report(
    campaign: CampaignId,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE.html", help="Where to.  [default: CAMPAIGN.html]"),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", metavar="FILE.svg", help="Write the gain chart alone there, and no page."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a campaign as one HTML file that opens without a network.

    It holds the gain over the attempts, the lineage, and for each attempt its prompt, reply, code, diff, metrics,
    timing and verdict. With --chart only the gain over the attempts is written, as a picture.

    \b
    Examples:
      kernelwright report abcd
      kernelwright report abcd -o report.html
      kernelwright report abcd --chart gain.svg
    """
    from ..report.chart import gain_chart
    from ..report.page import page
    from ..views.text import plural

    if chart and output:
        raise UsageProblem("choose one of -o and --chart: each writes one file")
    if chart and chart.suffix.lower() != ".svg":
        raise UsageProblem(f"'{chart}' would hold an SVG picture: give it a name that ends in .svg")
    with reading(store) as opened:
        record = record_of(opened, campaign)
        path = chart or output or Path(f"{record.campaign.id}.html")
        may_write(path, force, store_path(store))
        if chart:
            whole = gain_chart(record)
        else:
            whole = page(record, opened.standing(record.campaign), opened.text, _progress())
    write_whole(path, whole.encode("utf-8", "replace"))
    size = path.stat().st_size
    if as_json:
        name, number = record.campaign.id, len(record.attempts)
        show_json({"campaign": name, "file": str(path), "attempts": number, "bytes": size})
    else:
        show(f"{path}: {plural(len(record.attempts), 'attempt')}, {_size(size)}")


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.0f} kB"


def _progress() -> Progress:
    """Says on stderr how far it is, now and then, once it takes longer than a moment."""
    console, due = stderr(), time.monotonic() + QUIET_S

    def progress(done: int, number: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            console.print(f"{done:,} of {number:,} texts")
            due += QUIET_S

    return progress
