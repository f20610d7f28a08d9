"""The layers of the gain chart, from the back to the front; `Frame` says where everything stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from ..views.text import milliseconds, plural
from .chart_axes import Scale, rows, spread, ticks, time_scale, whole_ticks
from .chart_data import Band, Mark, Reference, steps
from .chart_shapes import ACCENT, GOOD, GRID, INK, MUTED, cross, dash, dot, group, line, text, whisker

WIDTH, LEFT, RIGHT = 880, 52, 176
PLOT, STRIP, ROW = 260, 22, 15
LETTER = 6.7
"""Width of a letter at the size of the chart's text, roughly; it decides what fits."""
CELL = 4.0
"""Marks that would fall into one square of that many pixels are drawn once."""


@dataclass(frozen=True)
class Frame:
    """Where things stand, in pixels."""

    each: float
    """Width of one attempt."""
    y: Scale
    """Of times in ms."""
    top: float
    """Upper edge of the plot; the names of the stages stand above it."""
    label_rows: list[int | None]
    """For each band, the row of its name; None where there is no room for it."""

    right: float = WIDTH - RIGHT
    """Right edge of the plot."""

    def x(self, place: float) -> float:
        """The middle of an attempt's column."""
        return LEFT + (place + 0.5) * self.each

    @property
    def bottom(self) -> float:
        """Lower edge of the plot, upper edge of the strip of attempts without a time."""
        return self.top + PLOT

    @property
    def radius(self) -> float:
        """Of a mark."""
        return min(4.5, max(2.2, self.each * 0.4))


def frame(shown: Sequence[Mark], lines: Sequence[Reference], stages: Sequence[Band]) -> Frame:
    """The frame in which everything has its place."""
    each = (WIDTH - LEFT - RIGHT) / max(1, len(shown))
    label_rows = rows([(LEFT + band.first * each, len(band.name) * LETTER) for band in stages])
    top = 8.0 + ROW * max((row + 1 for row in label_rows if row is not None), default=0)
    values = [line.ms for line in lines]
    for mark in shown:
        values += [value for value in (mark.ms, mark.low, mark.high) if value]
    return Frame(each, time_scale(values, top + PLOT, top), top, label_rows)


def draw_bands(svg: Element, stages: Sequence[Band], at: Frame) -> None:
    """Every other stage shaded, and the names above."""
    for band in stages[1::2]:
        left, right = LEFT + band.first * at.each, LEFT + (band.last + 1) * at.each
        box = {
            "x": f"{left:.1f}",
            "y": "2",
            "width": f"{right - left:.1f}",
            "height": f"{at.bottom + STRIP - 2:.1f}",
        }
        SubElement(group(svg, band.title), "rect", {**box, "fill": GRID, "fill-opacity": "0.45"})
    for band, row in zip(stages, at.label_rows, strict=True):
        if row is not None:
            text(group(svg, band.title), LEFT + band.first * at.each + 4, 13 + row * ROW, band.name, MUTED)


def draw_axes(svg: Element, numbers: Sequence[int], caption: str, at: Frame) -> None:
    """Times upwards, attempts across."""
    for value in ticks(at.y):
        y = at.y(value)
        line(svg, LEFT, y, at.right, y, GRID)
        text(svg, LEFT - 8, y + 4, f"{value:.6g}", MUTED, "end")
    line(svg, LEFT, at.bottom, at.right, at.bottom, MUTED)
    for place in whole_ticks(len(numbers), 12):
        text(svg, at.x(place), at.bottom + STRIP + 14, str(numbers[place]), MUTED, "middle")
    text(svg, LEFT, at.bottom + STRIP + 31, f"{caption}{', logarithmic' if at.y.log else ''}", MUTED)
    text(svg, at.right, at.bottom + STRIP + 31, "attempt", MUTED, "end")


def draw_references(svg: Element, lines: Sequence[Reference], at: Frame) -> None:
    """Lines across, each with its name at the right, as near to it as the other names allow."""
    ends = [at.y(reference.ms) for reference in lines]
    places = spread(ends, 14, at.top + 4, at.bottom + STRIP)
    for reference, y, place in zip(lines, ends, places, strict=True):
        drawn = group(svg, reference.title)
        colour = {"best": ACCENT, "floor": GOOD}.get(reference.kind, INK)
        if reference.kind != "best":
            line(drawn, LEFT, y, at.right, y, colour, 1, "2 3")
        line(drawn, at.right, y, at.right + 10, place, colour)
        words = text(
            drawn, at.right + 13, place + 4, f"{milliseconds(reference.ms)} {reference.name}", colour
        )
        words.set("font-weight", "600" if reference.kind == "best" else "400")


def draw_steps(svg: Element, path: Sequence[Mark], at: Frame) -> None:
    """The best so far, dashed where it rests on estimates."""
    if not path:
        return
    data = f"M{at.x(path[0].place):.1f} {at.y(path[0].ms or 0):.1f}"
    for _, mark in pairwise(path):
        data += f"H{at.x(mark.place):.1f}V{at.y(mark.ms or 0):.1f}"
    drawn = SubElement(svg, "path", {"d": f"{data}H{at.right}", "fill": "none", "stroke": ACCENT})
    drawn.set("stroke-width", "2")
    if path[0].estimated:
        drawn.set("stroke-dasharray", "4 3")


def draw_marks(svg: Element, shown: Sequence[Mark], at: Frame) -> None:
    """One mark for each attempt that can be told from its neighbours, the kept ones in front."""
    for mark, others in thinned(shown, at):
        x, y = at.x(mark.place), at.y(mark.ms) if mark.ms else at.bottom + STRIP / 2
        more = f" (and {plural(others, 'attempt')} close by)" if others else ""
        link = group(svg, mark.title + more, f"#{quote(mark.attempt, errors='backslashreplace')}")
        if mark.ms is None:
            (cross if mark.failed else dash)(link, x, y)
            continue
        if spans := _whisker(mark, at):
            whisker(link, x, *spans, ACCENT if mark.kept else MUTED)
        dot(link, x, y, at.radius, mark.kept, mark.estimated)


def _whisker(mark: Mark, at: Frame) -> tuple[float, float] | None:
    """The ends of a mark's interval, where they show beyond the mark itself."""
    if mark.low is None or mark.high is None:
        return None
    low, high = at.y(mark.low), at.y(mark.high)
    return (low, high) if low - high > 2 * at.radius else None


def thinned(shown: Sequence[Mark], at: Frame) -> list[tuple[Mark, int]]:
    """Marks that can be told apart, each with how many others it stands for; kept ones always and last."""
    cells: dict[object, list[Mark]] = {}
    for mark in shown:
        x = at.x(mark.place)
        cell = (x // CELL, at.y(mark.ms) // CELL) if mark.ms else (x // (2 * CELL), "failed" * mark.failed)
        cells.setdefault(mark.place if mark.kept else cell, []).append(mark)
    found = [(cell[0], len(cell) - 1) for cell in cells.values()]
    return sorted(found, key=lambda pair: pair[0].kept)


def draw_legend(svg: Element, shown: Sequence[Mark], at: Frame) -> float:
    """Only what occurs, below the axes; returns the lower edge."""
    x, y = float(LEFT), at.bottom + STRIP + 54
    for name, sample in _legend(shown, at):
        width = 19 + len(name) * LETTER + 14
        if x + width > WIDTH:
            x, y = float(LEFT), y + 18
        sample(svg, x + 6, y)
        text(svg, x + 19, y + 4, name, INK)
        x += width
    return y + 10


_Sample = Callable[[Element, float, float], None]


def _legend(shown: Sequence[Mark], at: Frame) -> list[tuple[str, _Sample]]:
    found: dict[str, _Sample] = {}
    for mark in shown:
        if mark.ms is None:
            found["failed" if mark.failed else "no time"] = cross if mark.failed else dash
            continue
        word = ("kept" if mark.kept else "not kept") + (", estimated" if mark.estimated else "")
        found[word] = partial(dot, radius=4.5, kept=mark.kept, estimated=mark.estimated)
        if mark.low:
            found[_INTERVALS[mark.estimated]] = _whisker_sample
    for estimated, name in ((False, "best so far"), (True, "best estimate so far")):
        if steps(shown, estimated):
            found[name] = partial(_step_sample, dashes="4 3" if estimated else "")
    return [(name, found[name]) for name in _ORDER if name in found]


_INTERVALS = {False: "95 % interval, where wider than its mark", True: "range of an estimate"}
_ORDER = (
    "kept", "not kept", "kept, estimated", "not kept, estimated", "best so far",
    "best estimate so far", *_INTERVALS.values(), "failed", "no time",
)  # fmt: skip


def _whisker_sample(parent: Element, x: float, y: float) -> None:
    whisker(parent, x, y + 6, y - 6, MUTED)


def _step_sample(parent: Element, x: float, y: float, dashes: str) -> None:
    line(parent, x - 9, y, x + 9, y, ACCENT, 2, dashes)
