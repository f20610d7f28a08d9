"""Launch options: num_warps and num_stages, wherever a launch, an autotune config or a dict says them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import libcst as cst

from .anatomy import Anatomy, Launch, Literal, leaves
from .edits import Change, constant, name_of
from .groups import Blocks
from .scaling import Scale, scaled

WARPS = (1, 2, 4, 8, 16, 32)
_MOST_STAGES = 5
_THREADS = 32
_VECTOR = 4
"""Elements that a thread can load at once: 16 bytes of fp32."""
_DEFAULTS = {"num_warps": 4, "num_stages": 3}
"""What Triton takes on NVIDIA cards where a launch says nothing."""


def warp_changes(anatomy: Anatomy, blocks: Blocks) -> Iterator[Change]:
    """Other numbers of warps for each launch, within 1 to 32."""
    values = blocks.values
    launches = plain_launches(anatomy)
    sites = [*launches, *(config for config in anatomy.configs if config.live)]

    def by(place: int) -> Callable[[Launch], Scale]:
        return lambda site: (
            lambda old: _other_warps(
                old, place, blocks.elements(site, values), anatomy.kernel(site).multiplies
            )
        )

    return _changes(anatomy, "num_warps", sites, [by(place) for place in range(5)])


def stage_changes(anatomy: Anatomy) -> Iterator[Change]:
    """One or two stages more or less, within 1 to 5, for each launch that they mean something to.

    A launch's num_stages reaches only loads that feed a tl.dot: Triton compiles every other kernel to the same code
    for each value. A ``tl.range`` with stages of its own pipelines any load.
    """
    launches = [launch for launch in plain_launches(anatomy) if anatomy.kernel(launch).takes_stages]
    tuned = any(anatomy.kernels[name].takes_stages for name in anatomy.autotuned)
    configs = [config for config in anatomy.configs if config.live and tuned]
    live = dict.fromkeys(launch.kernel for launch in anatomy.launches if launch.live)
    loops = [Launch(loop, name, True) for name in live if name for loop in anatomy.kernels[name].own_stages]

    def by(step: int) -> Callable[[Launch], Scale]:
        return lambda _: lambda old: old + step if 1 <= old + step <= _MOST_STAGES else None

    return _changes(
        anatomy, "num_stages", [*launches, *configs, *loops], [by(step) for step in (1, -1, 2, -2)]
    )


def plain_launches(anatomy: Anatomy) -> list[Launch]:
    """Launches that ModelNew reaches and that no autotuner configures."""
    return [item for item in anatomy.launches if item.live and item.kernel not in anatomy.autotuned]


def set_option(anatomy: Anatomy, launch: Launch, name: str, scale: Scale, computed: bool = True) -> Change:
    """Set a launch option where it is written: at the launch, or where the name that it is given is bound.

    ``computed`` says whether an integer may replace an expression that the host computes.
    """
    heuristic = anatomy.heuristics.get(launch.kernel or "", {}).get(name)
    value = heuristic or anatomy.bound(launch).get(name) or launch.keyword(name)
    where = f"of {launch.kernel}" if launch.kernel else "of the autotune configs"
    literals = _literals(anatomy, launch, name, value)
    if literals:  # of several, such as those that a tuner chooses among, each changes if it can
        return scaled(literals, lambda old: scale(old) or old, f"{name} {where}")
    if value is None:
        return Change() if anatomy.open_ended(launch) else _added(launch, name, where, scale)
    new = scale(_DEFAULTS[name])
    replaceable = computed and heuristic is None and new is not None
    return Change({value: new}, {}, (f"{name} {where} to {new}",)) if replaceable and new else Change()


def _literals(
    anatomy: Anatomy, launch: Launch, name: str, value: cst.BaseExpression | None
) -> Sequence[Literal]:
    """Integers that an option is set to; those of a dict where the launch unpacks one."""
    if value is None:
        return anatomy.literals.get(name.upper(), []) if launch.unpacked else []
    own = [Literal(node, constant(node) or 0, name, True) for node in leaves(value)]
    return own or anatomy.literals.get((name_of(value) or "").upper(), [])


def _added(launch: Launch, name: str, where: str, scale: Scale) -> Change:
    old = _DEFAULTS[name]
    new = scale(old)
    if new is None or new == old:
        return Change()
    return Change({}, {launch.call: {name: new}}, (f"{name} {where} from the default {old} to {new}",))


def _other_warps(old: int, place: int, elements: int | None, multiplies: bool) -> int | None:
    """The warps to try in this place of the order.

    More of them first, since the kernels of most models have too few; fewer first where threads have less than one
    load each, and beside a tl.dot with eight, which can do with four on a card that multiplies per four warps.
    """
    factors = (2.0, 4.0, 0.5, 8.0, 0.25)
    if not multiplies and elements is not None and elements < _VECTOR * _THREADS * old:
        factors = (0.25, 0.5, 2.0, 4.0, 8.0)
    elif old >= 8:
        factors = (0.5, 2.0, 0.25, 4.0, 8.0) if multiplies else (2.0, 0.5, 4.0, 0.25, 8.0)
    new = old * factors[place]
    return int(new) if new in WARPS else None


def _changes(
    anatomy: Anatomy, name: str, sites: list[Launch], scales: list[Callable[[Launch], Scale]]
) -> Iterator[Change]:
    """Each of the first two changes at all sites together, then at each launch alone, the last one first."""
    launches = [site for site in sites if site.kernel]
    for some in (scales[:2], scales[2:]):
        for scale in some:
            change = Change()
            for site in sites:
                change |= set_option(anatomy, site, name, scale(site))
            yield change
        for scale in some:
            yield from (set_option(anatomy, site, name, scale(site)) for site in reversed(launches))
