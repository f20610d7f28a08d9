"""The table of benchmarks/README.md: every task's head to head, from the campaigns of stores.

    python benchmarks/suite_table.py benchmarks/h200/suite.db benchmarks/h200/layer_norm.db

Times in ms are medians over the rounds, speedups over eager stand with their 95 % interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from kernelwright.agent.record import Campaign
from kernelwright.agent.store import Store
from kernelwright.evaluator.protocol import Standing

COLUMNS = (
    "task",
    "eager",
    "compile",
    "seed",
    "best",
    "over eager, 95 % interval",
    "floor",
    "of the floor",
    "campaign",
)


def campaigns(files: list[Path], provider: str) -> list[Campaign]:
    """The measured ones of that provider, by task, the latest last."""
    found = [one for file in files for one in _stored(file) if one.settings.provider == provider]
    return sorted((one for one in found if one.standings), key=lambda one: (one.settings.task, one.created))


def _stored(file: Path) -> Iterator[Campaign]:
    store = Store.open(file, create=False, read_only=True)
    try:
        yield from store.campaigns()
    finally:
        store.close()


def row(campaign: Campaign) -> tuple[str, ...]:
    """One line: a contender that failed leaves its cell empty. A seed that nothing beat is the best, too."""
    met = {one.name.split()[0]: one for one in campaign.standings}
    best = met["best"]
    floor = campaign.session.floor_ms.device if campaign.session else None
    share = f"{floor / best.median_ms:.0%}" if floor and best.median_ms else ""
    times = [_ms(met.get("eager")), _ms(met.get("compile")), _ms(met.get("seed", best))]
    shown = [*times, _ms(best), _speedup(best), f"{floor:.3g}" if floor else "", share]
    return (f"`{campaign.settings.task}`", *shown, f"`{campaign.id}`")


def _ms(standing: Standing | None) -> str:
    return f"{standing.median_ms:.3g}" if standing and standing.median_ms is not None else ""


def _speedup(standing: Standing) -> str:
    if standing.speedup is None or standing.speedup_ci95 is None:
        return ""
    low, high = standing.speedup_ci95
    return f"{standing.speedup:.3g}× [{low:.3g}, {high:.3g}]"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stores", type=Path, nargs="+")
    parser.add_argument("--provider", default="tuner")
    given = parser.parse_args()
    for cells in (COLUMNS, ["---"] * len(COLUMNS), *map(row, campaigns(given.stores, given.provider))):
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
