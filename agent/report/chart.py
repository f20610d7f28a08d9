"""`gain_chart`: a campaign as one picture, the time of every attempt and what it is compared with.

The picture is one SVG that needs nothing else: inside a page its colours are the page's own (CSS variables),
alone in a file it brings light and dark colours with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from ..record import Record
from ..views.text import milliseconds, one_line, plural
from .chart_data import Mark, Reference, bands, marks, references, steps
from .chart_layers import (
    WIDTH,
    draw_axes,
    draw_bands,
    draw_legend,
    draw_marks,
    draw_references,
    draw_steps,
    frame,
)

STYLE = (
    "svg:root{--paper:#fff;background:#fff}"
    "@media (prefers-color-scheme:dark){svg:root{--paper:#15181d;background:#15181d;--ink:#e6e8eb;"
    "--muted:#98a1ae;--grid:#2d333c;--accent:#6ea8fe;--good:#4ade80;--bad:#f87171}}"
)
"""For the picture alone in a file: inside a page there is no ``svg:root``."""


def gain_chart(record: Record) -> str:
    """The campaign's gain chart: a self-contained ``<svg>``, whatever the record holds."""
    shown, stages = marks(record), bands(record)
    timed = [mark for mark in shown if mark.ms]
    lines = references(record, {"estimated" if mark.estimated else "measured" for mark in timed})
    svg = _picture(_heading(record), _description(shown, lines))
    at = frame(shown, lines, stages)
    draw_bands(svg, stages, at)
    draw_axes(svg, [attempt.number for attempt in record.attempts], _caption(record, timed), at)
    draw_references(svg, [*lines, *_bests(timed)], at)
    for estimated in (True, False):
        draw_steps(svg, steps(timed, estimated), at)
    draw_marks(svg, shown, at)
    height = f"{draw_legend(svg, shown, at):g}"
    svg.attrib |= {"viewBox": f"0 0 {WIDTH} {height}", "width": str(WIDTH), "height": height}
    return tostring(svg, encoding="unicode")


def _picture(heading: str, description: str) -> Element:
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "gain-chart", "role": "img"})
    svg.attrib |= {"font-family": "system-ui, sans-serif", "font-size": "11"}
    svg.set("aria-labelledby", "gain-chart-title gain-chart-desc")
    SubElement(svg, "title", id="gain-chart-title").text = heading
    SubElement(svg, "desc", id="gain-chart-desc").text = description
    SubElement(svg, "style").text = STYLE
    return svg


def _heading(record: Record) -> str:
    settings, session = record.campaign.settings, record.campaign.session
    card = session.device if session and session.kind == "cuda" else f"{settings.target} (estimated)"
    return one_line(f"Campaign {record.campaign.id}: the time of every attempt at {settings.task}, {card}")


def _caption(record: Record, timed: Sequence[Mark]) -> str:
    session, found = record.campaign.session, {mark.estimated for mark in timed}
    said = ["ms"]
    if False in found:
        said.append(f"measured on {session.device}" if session else "measured")
    if True in found:
        said.append(f"estimated for the {record.campaign.settings.target}")
    return one_line(", ".join(said))


def _description(shown: Sequence[Mark], lines: Sequence[Reference]) -> str:
    timed = [mark for mark in shown if mark.ms]
    lost = sum(mark.failed for mark in shown)
    said = [f"{plural(len(shown), 'attempt')}, {len(timed)} with a time, {lost} failed."]
    paths = (steps(timed, estimated) for estimated in (False, True))
    said += [_from_to(path) for path in paths if path]
    return " ".join([*said, *(f"{line.title}." for line in lines)])


def _from_to(path: Sequence[Mark]) -> str:
    first, last = path[0], path[-1]
    how = "Estimated" if last.estimated else "Measured"
    start = f"{how}: {milliseconds(first.ms or 0)} of {one_line(first.attempt)}"
    if first is last:
        return f"{start}, and nothing better."
    return f"{start}, in the end {milliseconds(last.ms or 0)} of {one_line(last.attempt)}."


def _bests(timed: Sequence[Mark]) -> list[Reference]:
    """The ends of the two step lines, which are named at the right like the lines across."""
    ends = [path[-1] for estimated in (False, True) if (path := steps(timed, estimated))]
    return [
        Reference("best", "best estimate" if mark.estimated else "best", mark.ms or 0, mark.title)
        for mark in ends
    ]
