"""The pairs of processes that a time was found from, as two small pictures. Pure."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from kernelwright.evaluator.evaluation import Timing

from ..views.text import milliseconds, times
from .chart_data import positive

WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 320, 44, 64, 16, 14, 34
"""Of a picture, in CSS pixels."""
ROWS_MAX = 60
"""Pairs that are drawn; the rest is in the numbers."""


def pairs_pictures(timing: Timing, base: str, gain: str) -> list[str]:
    """Two ``<svg>``: candidate and baseline of each pair in ms, and each pair's speedup with the 95 % interval.

    ``base`` names the baseline, ``gain`` tells the speedup with its interval.
    """
    return [_times(timing, base), _speedups(timing, gain)] if timing.samples else []


def _times(timing: Timing, base: str) -> str:
    pairs = timing.samples[:ROWS_MAX]
    svg, place = _picture(len(pairs), [0.0, *(ms for pair in pairs for ms in pair)], "ms of each pair")
    for row, (candidate, other) in enumerate(pairs):
        y = _y(row)
        _line(svg, "rail", place(candidate), y, place(other), y)
        _dot(svg, "dot base", place(other), y)
        _dot(svg, "dot", place(candidate), y)
        _text(svg, "value", WIDTH - 4, y + 4, milliseconds(candidate), "end")
        _text(svg, "label", 0, y + 4, f"pair {row + 1}")
    y = _y(len(pairs)) + 12
    _dot(svg, "dot", LEFT + 4, y - 4)
    _text(svg, "label", LEFT + 12, y, "this kernel")
    _dot(svg, "dot base", LEFT + 88, y - 4)
    _text(svg, "label", LEFT + 96, y, f"{base}, median {milliseconds(timing.baseline_ms)}")
    return tostring(svg, encoding="unicode")


def _speedups(timing: Timing, gain: str) -> str:
    found = (other / candidate for candidate, other in timing.samples[:ROWS_MAX] if candidate > 0)
    ratios = [ratio for ratio in found if positive(ratio)]
    low, high = timing.speedup_ci95
    svg, place = _picture(len(ratios), [*ratios, low, high, *_one(low, high)], "speedup of each pair")
    bottom = _y(len(ratios)) - 4
    band = SubElement(svg, "rect", {"class": "band", "y": str(TOP - 6), "height": str(bottom - TOP + 6)})
    band.set("x", f"{place(low):.1f}")
    band.set("width", f"{max(1.5, place(high) - place(low)):.1f}")
    _line(svg, "middle", place(timing.speedup), TOP - 6, place(timing.speedup), bottom)
    if _one(low, high):
        _line(svg, "one", place(1.0), TOP - 6, place(1.0), bottom)
    for row, ratio in enumerate(ratios):
        _dot(svg, "dot", place(ratio), _y(row))
        _text(svg, "value", WIDTH - 4, _y(row) + 4, times(ratio), "end")
        _text(svg, "label", 0, _y(row) + 4, f"pair {row + 1}")
    _text(svg, "label", LEFT, _y(len(ratios)) + 12, f"{gain}, shaded: 95 %")
    return tostring(svg, encoding="unicode")


def _one(low: float, high: float) -> list[float]:
    """1× where it is near enough to be seen beside the interval."""
    return [1.0] if low > 0.5 and high < 2 else []


class _Scale:
    def __init__(self, values: list[float]) -> None:
        self.low, self.high = min(values), max(values)

    def __call__(self, value: float) -> float:
        span = self.high - self.low or 1.0
        return LEFT + 6 + (value - self.low) / span * (WIDTH - LEFT - RIGHT - 12)


def _picture(rows: int, values: list[float], title: str) -> tuple[Element, _Scale]:
    height = TOP + rows * ROW + FOOT - 8
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "pairs", "role": "img"})
    svg.set("viewBox", f"0 0 {WIDTH} {height}")
    svg.set("aria-label", title)
    return svg, _Scale(values)


def _y(row: int) -> float:
    return TOP + row * ROW


def _dot(svg: Element, kind: str, x: float, y: float) -> None:
    SubElement(svg, "circle", {"class": kind, "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3.5"})


def _line(svg: Element, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    SubElement(svg, "line", {"class": kind, **{name: f"{value:.1f}" for name, value in ends.items()}})


def _text(svg: Element, kind: str, x: float, y: float, said: str, anchor: str = "start") -> None:
    text = SubElement(svg, "text", {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor})
    text.text = said
