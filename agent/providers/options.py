"""Launch options: num_warps and num_stages, wherever a launch or an autotune config says them."""

from __future__ import annotations

from collections.abc import Iterator

from .anatomy import Anatomy, Launch, Literal, leaves
from .edits import Change, constant, name_of
from .scaling import Scale, scaled

WARPS = (2, 4, 8, 16, 32)
_MOST_STAGES = 5
_DEFAULTS = {"num_warps": 4, "num_stages": 3}
"""What Triton takes on NVIDIA cards where a launch says nothing."""


def warp_changes(anatomy: Anatomy) -> Iterator[Change]:
    """Twice, four times, half, … of each launch's warps, within 2 to 32."""

    def by(factor: float) -> Scale:
        return lambda old: int(old * factor) if old * factor in WARPS else None

    return _changes(anatomy, "num_warps", [by(2), by(4), by(0.5), by(8), by(0.25)])


def stage_changes(anatomy: Anatomy) -> Iterator[Change]:
    """One or two stages more or less for each launch, within 1 to 5."""

    def by(step: int) -> Scale:
        return lambda old: old + step if 1 <= old + step <= _MOST_STAGES else None

    return _changes(anatomy, "num_stages", [by(1), by(-1), by(2), by(-2)])


def plain_launches(anatomy: Anatomy) -> list[Launch]:
    """Launches that ModelNew reaches and that no autotuner configures."""
    return [item for item in anatomy.launches if item.live and item.kernel not in anatomy.autotuned]


def set_option(anatomy: Anatomy, launch: Launch, name: str, scale: Scale, computed: bool = True) -> Change:
    """Set a launch option where it is written: at the launch, or where the name that it is given is bound.

    ``computed`` says whether an integer may replace an expression that the host computes.
    """
    value = launch.keyword(name)
    where = f"of {launch.kernel}" if launch.kernel else "of the autotune configs"
    if value is None:
        return Change() if launch.open_ended else _added(launch, name, where, scale)
    literals = [Literal(node, constant(node) or 0, name, True) for node in leaves(value)]
    literals = literals or anatomy.literals.get((name_of(value) or "").upper(), [])
    if literals:
        return scaled(literals, scale, f"{name} {where}")
    new = scale(_DEFAULTS[name])
    return Change({value: new}, {}, (f"{name} {where} to {new}",)) if computed and new else Change()


def _added(launch: Launch, name: str, where: str, scale: Scale) -> Change:
    old = _DEFAULTS[name]
    new = scale(old)
    if new is None or new == old:
        return Change()
    return Change({}, {launch.call: {name: new}}, (f"{name} {where} from the default {old} to {new}",))


def _changes(anatomy: Anatomy, name: str, scales: list[Scale]) -> Iterator[Change]:
    """Each of the first two changes at all launches together, then at each alone, the last launch first."""
    launches = plain_launches(anatomy)
    sites = [*launches, *(config for config in anatomy.configs if config.live)]
    for some in (scales[:2], scales[2:]):
        for scale in some:
            change = Change()
            for site in sites:
                change |= set_option(anatomy, site, name, scale)
            yield change
        for scale in some:
            yield from (set_option(anatomy, site, name, scale) for site in reversed(launches))
