"""What a kernel is without that gives a knob nothing to change."""

from __future__ import annotations

from .anatomy import Anatomy
from .names import is_block

_LACKING = {
    "block": "no constant with BLOCK, TILE or CHUNK in its name sets a tile's size",
    "grid": "no constant with SPLIT, PROGRAMS, CTAS, SMS, GROUP or ROWS in its name sets the grid",
    "num_warps": "no launch takes another num_warps",
    "num_stages": "no launch takes another num_stages",
}


def lacking(anatomy: Anatomy, knob: str) -> str:
    """Why this knob has nothing to change, as a clause."""
    if knob == "num_stages" and not _pipelined(anatomy):
        return "num_stages pipelines loads for tl.dot, and no kernel has one"
    computed = _computed(anatomy) if knob == "block" else []
    added = f" ({', '.join(computed)}: computed)" if computed else ""
    return _LACKING.get(knob, knob) + added


def _pipelined(anatomy: Anatomy) -> bool:
    return any(kernel.takes_stages or kernel.loops for kernel in anatomy.kernels.values())


def _computed(anatomy: Anatomy) -> list[str]:
    """Tile sizes that launches pass and no integer stands for."""
    names = [name for launch in anatomy.launches if launch.live for name in anatomy.kernel(launch).parameters]
    return [
        name
        for name in dict.fromkeys(names)
        if is_block(name.upper()) and not anatomy.literals.get(name.upper())
    ]
