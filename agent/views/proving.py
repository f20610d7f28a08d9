"""What a task's check says to answers that are none."""

from __future__ import annotations

import math

from kernelwright.evaluator.protocol import Impostor, Proof
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .text import number, one_line


def proof(found: Proof) -> RenderableType:
    """One task: whether it is proven and at which shapes, then every impostor with its error and the budget."""
    style, word = ("bold green", "proven") if found.proven else ("bold red", "not proven")
    head = Text.assemble((one_line(found.task), "bold"), " ", (word, style))
    head.append(f" at {one_line(found.at)}" if found.at else "")
    parts: list[RenderableType] = [head]
    if found.impostors:
        parts.append(_impostors(found.impostors))
    if found.reason:
        parts.append(Text(one_line(found.reason)))
    return Group(*parts, Text())


def _impostors(found: list[Impostor]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("impostor", "verdict", "on inputs", "error", "allowed", "ratio"):
        table.add_column(column, overflow="fold")
    for impostor in found:
        table.add_row(Text(one_line(impostor.name)), *_said(impostor))
    return table


def _said(impostor: Impostor) -> list[Text]:
    if impostor.refused is None:
        return [Text("none", style="dim"), Text(one_line(impostor.reason or ""), style="dim")]
    word = Text("refused") if impostor.refused else Text("let pass", style="bold red")
    if impostor.family is None or impostor.budget is None:
        return [word]
    error = "not finite" if impostor.error is None else number(impostor.error)
    return [
        word,
        *(Text(text) for text in (impostor.family, error, number(impostor.budget), _over(impostor))),
    ]


def _over(impostor: Impostor) -> str:
    """How often the budget goes into the error."""
    if impostor.error is None or not impostor.budget or not math.isfinite(impostor.error):
        return ""
    return f"{number(impostor.error / impostor.budget)}×"
