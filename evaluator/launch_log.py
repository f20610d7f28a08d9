"""Remembers what Triton launches in a runner, from before the candidate is imported until the runner ends.

It is always on, checked or timed, so that it tells a candidate nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .evaluation import Scalar
from .launches import Launch

_LIMIT = 1000
"""Launches of one call that are remembered; autotuning makes many."""


@dataclass(frozen=True)
class _Raw:
    """What is known at a launch, without a reference to any tensor."""

    function: Any
    sizes: Any
    constants: dict[str, Any]
    compiled: Any


@dataclass
class LaunchLog:
    """Launches of the call under way, and one of each kind since the beginning."""

    recent: list[_Raw] = field(default_factory=list)
    known: dict[tuple[Any, ...], Launch] = field(default_factory=dict)

    def take(self) -> list[Launch]:
        """The launches since the last `take`, in order."""
        raw, self.recent = self.recent, []
        launches = [_described(one) for one in raw[-_LIMIT:]]
        for launch in launches:
            self.known[launch.kernel, launch.grid, launch.num_warps, launch.registers] = launch
        return launches


def start_log() -> LaunchLog:
    """Log every launch of a Triton kernel in this process from now on."""
    from triton.runtime.jit import JITFunction

    log = LaunchLog()
    original = JITFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        seen: list[Any] = []
        compiled = original(self, *args, grid=_noting(grid, seen), warmup=warmup, **kwargs)
        if not warmup and len(log.recent) < 4 * _LIMIT:
            sizes = seen[-1] if seen else grid
            log.recent.append(_Raw(self, sizes, _constants(self, args, kwargs), compiled))
        return compiled

    JITFunction.run = run
    return log


def _noting(grid: Any, seen: list[Any]) -> Any:
    """The grid, with its sizes noted when a function computes them."""
    if not callable(grid):
        return grid
    compute: Callable[[Any], Any] = grid

    def noted(meta: Any) -> Any:
        seen.append(compute(meta))
        return seen[-1]

    return noted


def _constants(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Values of the tl.constexpr parameters, from arguments or defaults."""
    found: dict[str, Any] = {}
    for position, parameter in enumerate(function.params):
        if parameter.is_constexpr:
            default = parameter.default if parameter.has_default else None
            given = args[position] if position < len(args) else kwargs.get(parameter.name, default)
            found[parameter.name] = given
    return found


def _described(raw: _Raw) -> Launch:
    x, y, z = (*(int(size) for size in _sizes(raw.sizes)), 1, 1, 1)[:3]
    return Launch(
        kernel=raw.function.fn.__name__,
        grid=(x, y, z),
        num_warps=raw.compiled.metadata.num_warps,
        num_stages=raw.compiled.metadata.num_stages,
        constants={name: _scalar(value) for name, value in raw.constants.items()},
        registers=raw.compiled.n_regs,
        spill_bytes=raw.compiled.n_spills,
        shared_bytes=raw.compiled.metadata.shared,
    )


def _sizes(sizes: Any) -> tuple[Any, ...]:
    return tuple(sizes) if isinstance(sizes, tuple | list) else (sizes,)


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
