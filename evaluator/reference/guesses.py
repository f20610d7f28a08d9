"""Smaller values for a file's integer constants. Pure: nothing here knows what the constants mean.

Which guess makes sense is for the caller to try; they come in the order in which they are worth trying.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import combinations, islice, product
from math import lcm

Constants = Mapping[str, int]
"""Positive integers by name, in the order of the file."""

_KEPT = (64, 16)
"""Up to so much a constant stays as it is, tried in this order: kernel sizes, strides, groups, heads, channels."""
_HARDLY_KEPT = (4,)
"""The same when nothing else works."""
_MEDIUM = 64
_IMAGES = (37, 71, 121)
"""For what a network halves five times before it pools the rest, in the order in which they take longer."""
_SOME = 7
"""At most so much for a constant up to `_MEDIUM`, so that the others may be longer."""
_FEW = 3
_EACH = 2
"""So many guesses of one kind where each takes long to try."""
_INNER = "get_inputs["
"""Begins the names of literals in get_inputs."""
_LARGEST_KEPT = 3
"""How many constants are kept one at a time by `fair_guesses`."""

Way = Callable[["_Large"], Iterator[dict[str, int]]]


class Aim(Enum):
    """What a set of shapes is for: the sizes to try, each odd, so that none is a whole number of tiles."""

    LONG = (1501, 701, 333, 121, 71, 37, 23, 15, 11, 7, 5)
    """A few long rows, ragged at their end."""
    RAGGED = (71, 45, 33, 23, 15, 11, 7, 5, 3)
    """Every size somewhat larger than a tile, or than half of one."""
    TINY = (7, 5, 3)
    """Smaller than any tile."""


def guesses(constants: Constants, aim: Aim = Aim.LONG) -> Iterator[dict[str, int]]:
    """Values for all constants, best first: each positive, none larger than it was, no guess twice.

    First a batch of few with all else long, then all alike; the large constants before the small ones; different
    odd numbers before those that keep what equal, divisible or proportional constants may have to keep.
    """
    return _each_once(constants, _guesses(constants, aim))


def few_guesses(constants: Constants) -> Iterator[dict[str, int]]:
    """Values for what takes long to try, from small to large; in the end a batch of three or two with all else kept."""
    return _each_once(constants, _few_guesses(constants))


def fair_guesses(constants: Constants) -> Iterator[Iterator[dict[str, int]]]:
    """Halvings, which keep powers of two and multiples of a tile: several series, each from large to small.

    In the first only the batch gets smaller, in the next ones all but one of the largest constants, and in the last
    all of them. A kernel that is right at its own sizes alone has one series in which they stay. Two is the least:
    one sample, or one of anything, would hide what is done along it. What get_inputs spells out several times also
    goes together, as the sizes of two inputs that are added have to.
    """
    by_size = sorted(constants, key=lambda name: -constants[name])
    series: dict[tuple[frozenset[str], frozenset[str]], None] = {}
    for same in (_alone, _spelled_again):
        samples = same(constants, outermost(constants))
        largest = list(dict.fromkeys(same(constants, name) for name in by_size))[:_LARGEST_KEPT]
        for fixed in (frozenset(constants) - samples, *largest, frozenset[str]()):
            series[fixed, samples] = None  # once: named constants have none that are spelled again
    for fixed, samples in series:
        yield _each_once(constants, _halvings(constants, fixed, samples))


def outermost(constants: Constants) -> str | None:
    """The constant that probably counts independent samples: one named so, else the first in the file."""
    return next((name for name in constants if "batch" in name.lower()), next(iter(constants), None))


def _guesses(constants: Constants, aim: Aim) -> Iterator[dict[str, int]]:
    batch = outermost(constants)
    for keeping in (_KEPT, _HARDLY_KEPT):
        for way in (_ragged, _multiples, _halved):
            for few in (True, False) if aim is Aim.LONG else (False,):
                for cap, kept in product(aim.value, keeping):
                    yield from _shrunk(
                        constants, batch, few, _Large.of(constants, batch, few, cap, kept), way
                    )


def _few_guesses(constants: Constants) -> Iterator[dict[str, int]]:
    batch = outermost(constants)
    for cap, kept in product(_IMAGES, _KEPT):
        large = _Large.of(constants, batch, True, cap, kept)
        for way in (_ragged, _multiples, _halved):
            yield from islice(_shrunk(constants, batch, True, large, way), _EACH)
    for count in (3, 2):
        yield from _with_samples(constants, constants, batch, count)


def _with_samples(
    constants: Constants, guess: Mapping[str, int], batch: str | None, count: int
) -> Iterator[dict[str, int]]:
    """The guess with so many samples at most; then with all that may spell out their number for a second input."""
    for samples in (_alone(constants, batch), _spelled_again(constants, batch)):
        yield {**constants, **guess, **{name: min(count, constants[name]) for name in samples}}


def _alone(constants: Constants, name: str | None) -> frozenset[str]:
    return frozenset() if name is None else frozenset({name})


def _spelled_again(constants: Constants, name: str | None) -> frozenset[str]:
    """The constant, and with a literal of get_inputs all of its literals with that value."""
    if name is None or not name.startswith(_INNER):
        return _alone(constants, name)
    return frozenset(
        one for one, value in constants.items() if one.startswith(_INNER) and value == constants[name]
    )


def _shrunk(
    constants: Constants, batch: str | None, few: bool, large: _Large, way: Way
) -> Iterator[dict[str, int]]:
    for values in way(large) if large.sizes else ():
        if few:
            yield from _with_samples(constants, values, batch, _FEW)
        else:
            yield {**constants, **values}


def _halvings(
    constants: Constants, fixed: frozenset[str], samples: frozenset[str]
) -> Iterator[dict[str, int]]:
    moving = {name: value for name, value in constants.items() if name not in fixed}
    for shift, kept in product(range(1, max(moving.values(), default=0).bit_length()), _KEPT):
        large = {name: value for name, value in moving.items() if name in samples or value > kept}
        yield {**constants, **{name: max(min(2, value), value >> shift) for name, value in large.items()}}


def _each_once(constants: Constants, found: Iterator[dict[str, int]]) -> Iterator[dict[str, int]]:
    seen = {tuple(constants.values())}
    for guess in found:
        values = tuple(guess.values())
        if values not in seen:
            seen.add(values)
            yield guess


# -- ways to shrink -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Large:
    """The constants to shrink, and what to know for it."""

    sizes: dict[str, int]
    small: list[int]
    """The values that stay."""
    cap: int

    @staticmethod
    def of(constants: Constants, batch: str | None, few: bool, cap: int, kept: int) -> _Large:
        """Those above ``kept``, and the batch in any case unless it is shrunk elsewhere."""
        others = {name: value for name, value in constants.items() if name != batch}
        small = [value for value in others.values() if value <= kept]
        moving = {name for name, value in others.items() if value > kept} | (
            {batch} - {None} if not few else set()
        )
        return _Large({name: constants[name] for name in constants if name in moving}, small, cap)

    def most(self, value: int, place: int) -> int:
        """The cap or one of two odd numbers below it, in turns; less for what is not so large to begin with."""
        return max(3, (self.cap if value > _MEDIUM else min(self.cap, _SOME)) - 2 * (place % 3))

    def unit(self, value: int) -> int:
        """What groups, heads and strides together divide of it."""
        return lcm(*(one for one in self.small if value % one == 0))


def _ragged(large: _Large) -> Iterator[dict[str, int]]:
    """Odd sizes; then one of them as an odd multiple of what divides the constant."""
    yield _different(large)
    for name in large.sizes:
        yield _different(large, frozenset({name}))
    yield _alike(large)


def _multiples(large: _Large) -> Iterator[dict[str, int]]:
    """Equal ones, then all as odd multiples of what divides them, and products as such."""
    for value in sorted(set(large.sizes.values())):
        yield _alike(large, frozenset({value}))
    all_alike = _alike(large, frozenset(large.sizes.values()))
    yield all_alike
    yield _with_products(large, all_alike)


def _different(large: _Large, multiples: frozenset[str] = frozenset()) -> dict[str, int]:
    """A size of its own for each, so that two that were mixed up show."""
    return {
        name: _odd(value, large.most(value, place), large.unit(value) if name in multiples else 1)
        for place, (name, value) in enumerate(large.sizes.items())
    }


def _alike(large: _Large, multiples: frozenset[int] = frozenset()) -> dict[str, int]:
    """Equal ones stay equal."""
    ranks = sorted(set(large.sizes.values()), reverse=True)
    return {
        name: _odd(
            value, large.most(value, ranks.index(value)), large.unit(value) if value in multiples else 1
        )
        for name, value in large.sizes.items()
    }


def _with_products(large: _Large, guess: dict[str, int]) -> dict[str, int]:
    """What was the product of two others is it again, where that makes it no larger: heads times their width."""
    factors = {one: one for one in large.small} | {value: guess[name] for name, value in large.sizes.items()}
    pairs = {
        one * other: factors[one] * factors[other] for one, other in combinations(factors, 2) if one * other
    }
    return guess | {name: min(value, pairs[value]) for name, value in large.sizes.items() if value in pairs}


def _halved(large: _Large) -> Iterator[dict[str, int]]:
    """All by the same power of two, so that products and ratios stay."""
    shift = max(max(large.sizes.values()).bit_length() - large.cap.bit_length(), 0)
    yield {name: max(1, value >> shift) for name, value in large.sizes.items()}


def _odd(value: int, most: int, unit: int = 1) -> int:
    """The largest odd multiple of a divisor of ``value`` that exceeds neither; at least that divisor."""
    number = max(1, min(value, most) // unit)
    return unit * (number - 1 + number % 2)
