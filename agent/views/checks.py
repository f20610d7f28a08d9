"""What ``doctor`` found."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..doctor import Check, Report
from .text import one_line


def checks(report: Report) -> RenderableType:
    """Each part with ``ok`` or ``missing`` and what mends it, then what ``run`` would choose."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in report.checks:
        style = "green" if check.ok else "bold red" if check.vital else "yellow"
        table.add_row(check.name, Text("ok" if check.ok else "missing", style=style), _found(check))
    end = Text(
        "An offline campaign can run." if report.works else "Nothing can run yet: mend the parts above."
    )
    choices = [Text(f"  {one_line(line)}") for line in report.choices]
    return Group(table, Text(), Text("`kernelwright run` would choose", style="bold"), *choices, Text(), end)


def _found(check: Check) -> Text:
    text = Text(one_line(check.found))
    if not check.ok:
        text.append(f"\nneeded for {check.needed}", style="dim")
    return text.append(f"\n{one_line(check.mend)}", style="cyan") if check.mend else text


def checks_json(report: Report) -> dict[str, Any]:
    """The same as data."""
    return {**report.model_dump(mode="json"), "works": report.works}
