"""The few shapes that the gain chart is drawn with, as SVG elements; every text is escaped by the serialiser."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

INK, MUTED, GRID = "var(--ink, #222)", "var(--muted, #6b7280)", "var(--grid, #e2e5ea)"
ACCENT, GOOD, BAD = "var(--accent, #2563eb)", "var(--good, #15803d)", "var(--bad, #dc2626)"
HOLLOW = "var(--paper, transparent)"


def group(parent: Element, title: str, link: str | None = None) -> Element:
    """What belongs together under one tooltip; with a link, something to click on."""
    # The picture is one image to a screen reader and one stop to the keyboard: the page's tree has the links.
    found = SubElement(parent, "a", {"href": link, "tabindex": "-1"}) if link else SubElement(parent, "g")
    SubElement(found, "title").text = title
    return found


def whisker(parent: Element, x: float, low: float, high: float, colour: str) -> None:
    """A vertical bar with feet."""
    data = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 3:.1f} {low:.1f}h6M{x - 3:.1f} {high:.1f}h6"
    SubElement(parent, "path", {"d": data, "fill": "none", "stroke": colour})


def cross(parent: Element, x: float, y: float) -> None:
    """The mark of a failure."""
    data = f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7"
    SubElement(parent, "path", {"d": data, "fill": "none", "stroke": BAD, "stroke-width": "1.6"})


def dash(parent: Element, x: float, y: float) -> None:
    """The mark of something without a time."""
    SubElement(parent, "path", {"d": f"M{x - 3:.1f} {y:.1f}h6", "stroke": MUTED, "stroke-width": "1.6"})


def dot(parent: Element, x: float, y: float, radius: float, kept: bool, estimated: bool) -> None:
    """The mark of a time: filled where it was kept; lighter and with a dashed outline where it is an estimate."""
    place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{radius:.1f}"}
    colour = ACCENT if kept else MUTED
    drawn = SubElement(parent, "circle", {**place, "fill": colour if kept else HOLLOW, "stroke": colour})
    drawn.set("stroke-width", "1.5")
    if estimated:
        drawn.attrib |= {"stroke-dasharray": "2 1.5", **({"fill-opacity": "0.3"} if kept else {})}


def line(
    parent: Element, x1: float, y1: float, x2: float, y2: float, colour: str, width: int = 1, dashes: str = ""
) -> None:
    """A straight line."""
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    drawn = SubElement(parent, "line", {**ends, "stroke": colour, "stroke-width": str(width)})
    if dashes:
        drawn.set("stroke-dasharray", dashes)


def text(parent: Element, x: float, y: float, words: str, colour: str, anchor: str = "start") -> Element:
    """One line of words."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": colour, "text-anchor": anchor}
    drawn = SubElement(parent, "text", place)
    drawn.text = words
    return drawn
