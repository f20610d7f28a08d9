"""One of two layouts, by the width that there is."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement


@dataclass(frozen=True)
class Fitting:
    """`wide` where it fits without a broken word, else `narrow`."""

    wide: RenderableType
    narrow: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich calls."""
        # Measured without a limit, since a table measured within one says that it fits.
        wanted = Measurement.get(console, options.update(max_width=10_000), self.wide).maximum
        yield self.wide if wanted <= options.max_width else self.narrow
