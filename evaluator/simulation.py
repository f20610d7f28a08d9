"""How often noise is taken for a gain, and which gains are found: simulated pairs, judged by the real rule.

Run as ``python -m kernelwright.evaluator.simulation [TRIALS]``; takes a few minutes and prints a table.

A process has an offset of its own, which all its calls share; what varies within it is small beside that. The
spread is the offsets' standard deviation over the time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from .statistics import MIN_PAIRS, Next, next_pair, noise_floor

THRESHOLD = 0.02
"""The default of a campaign."""
POWER = 0.95
_WITHIN = 0.0035
"""Spread of one process's median around its own offset."""
_SLOW_SHARE = 0.2


def _heavy(rng: Random) -> float:
    """Student's t with three degrees of freedom."""
    return rng.gauss() / math.sqrt(sum(rng.gauss() ** 2 for _ in range(3)))


def _lottery(rng: Random) -> float:
    """One process in five is slower than the others, all of these by the same."""
    return (rng.random() < _SLOW_SHARE) / math.sqrt(_SLOW_SHARE * (1 - _SLOW_SHARE))


OFFSETS: dict[str, Callable[[Random], float]] = {
    "normal": lambda rng: rng.gauss(),
    "heavy-tailed": _heavy,
    "one in five slow": _lottery,
}
"""Offsets of one process, with a standard deviation of 1."""


class Card(NamedTuple):
    """What a process's time depends on besides the kernel."""

    offsets: str
    spread: float


class Rates(NamedTuple):
    """What came of many contests."""

    accepted: float
    """Share that ended as faster."""
    early: float
    """Share that did so before `MIN_PAIRS`."""
    pairs: float
    """Mean number of pairs."""


def _pair(card: Card, gain: float, rng: Random) -> float:
    def process() -> float:
        return card.spread * OFFSETS[card.offsets](rng) + rng.gauss(0, _WITHIN)

    return math.log1p(gain) + process() - process()


def _contest(card: Card, gain: float, floor: bool, rng: Random) -> tuple[bool, int]:
    """Whether the candidate came out as faster, and after how many pairs; as a campaign does it."""
    threshold = THRESHOLD
    if floor:
        threshold = max(threshold, noise_floor([_pair(card, 0.0, rng) for _ in range(MIN_PAIRS)]))
    ratios: list[float] = []
    while (found := next_pair(ratios, threshold)) is Next.MORE:
        ratios.append(_pair(card, gain, rng))
    return found is Next.FASTER, len(ratios)


def rates(card: Card, gain: float, trials: int, *, floor: bool) -> Rates:
    """Contests of a candidate with that true gain (relative), each with an A/A floor of its own if asked for."""
    rng = Random(20_261_121)
    ends = [_contest(card, gain, floor, rng) for _ in range(trials)]
    return Rates(
        accepted=sum(faster for faster, _ in ends) / trials,
        early=sum(faster and pairs < MIN_PAIRS for faster, pairs in ends) / trials,
        pairs=sum(pairs for _, pairs in ends) / trials,
    )


def smallest_gain(card: Card, trials: int, *, floor: bool, step: float = 0.005) -> float:
    """The smallest true gain, in whole steps, that is found in `POWER` of all contests; at most 64 steps."""
    least, enough = 0, 64
    while enough - least > 1:
        middle = (least + enough) // 2
        found = rates(card, middle * step, trials, floor=floor).accepted >= POWER
        least, enough = (least, middle) if found else (middle, enough)
    return enough * step


def _row(card: Card, floor: bool, trials: int) -> str:
    noise = rates(card, 0.0, trials, floor=floor)
    gain = smallest_gain(card, trials // 10, floor=floor)
    won, lost = (rates(card, change, trials // 10, floor=floor).pairs for change in (0.2, -0.2))
    cells = [
        card.offsets,
        f"{card.spread:.1%}",
        "yes" if floor else "no",
        f"{noise.accepted:.2%}",
        f"{noise.early:.2%}",
        f"{gain:.1%}",
        f"{noise.pairs:.1f}",
        f"{won:.1f}",
        f"{lost:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def main(trials: int) -> None:
    """Print the table, row by row."""
    print("| offsets | spread | A/A floor | noise kept | by an early stop | found with 95 % power", end="")
    print(" | pairs: no gain | 20 % gain | 20 % loss |\n" + "|---" * 9 + "|")
    for offsets in OFFSETS:
        for spread in (0.005, 0.01, 0.02, 0.03):
            for floor in (False, True):
                print(_row(Card(offsets, spread), floor, trials), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
