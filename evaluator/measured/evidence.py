"""What one forward call launched, seen from inside the runner: Triton's launches, and GPU time by kernel.

The runner is not trusted, so this is a signal: ncu's durations are the witness from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..evaluation import Scalar
from ..launches import Launch

_LIMIT = 1000
"""Launches that are remembered; autotuning makes many."""


def gather(call: Callable[[], object], earlier: list[Launch]) -> dict[str, Any]:
    """Run the call twice, once logged and once traced.

    Returns ``launches`` (as `Launch` dumps, in order) and ``gpu_us``: kernel name → [launches, microseconds].
    A replayed CUDA graph launches nothing through Triton, so launches seen ``earlier`` stand in for kernels
    that only the trace shows.
    """
    with logged_launches() as launches:
        call()
        torch.cuda.synchronize()
    seen = {launch.kernel for launch in launches}
    remembered = {launch.kernel: launch for launch in earlier if launch.kernel not in seen}
    told = [*launches, *remembered.values()]
    return {"launches": [launch.model_dump(mode="json") for launch in told], "gpu_us": _traced(call)}


def _traced(call: Callable[[], object]) -> dict[str, list[float]]:
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as trace:
        call()
        torch.cuda.synchronize()
    times: dict[str, list[float]] = {}
    for event in trace.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            entry = times.setdefault(event.name[:200], [0, 0.0])
            entry[0] += 1
            entry[1] += event.time_range.elapsed_us()
    return times


@contextmanager
def logged_launches() -> Iterator[list[Launch]]:
    """Every launch of a Triton kernel within the block."""
    from triton.runtime.jit import JITFunction

    launches: list[Launch] = []
    original = JITFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        compiled = original(self, *args, grid=grid, warmup=warmup, **kwargs)
        if not warmup:
            launches.append(_describe(self, args, grid, kwargs, compiled))
            del launches[:-_LIMIT]
        return compiled

    JITFunction.run = run
    try:
        yield launches
    finally:
        JITFunction.run = original


def _describe(
    function: Any, args: tuple[Any, ...], grid: Any, kwargs: dict[str, Any], compiled: Any
) -> Launch:
    bound = {p.name: p.default for p in function.params if p.has_default}
    bound.update(zip((p.name for p in function.params), args, strict=False))
    bound.update({name: value for name, value in kwargs.items() if name in {p.name for p in function.params}})
    sizes = grid(bound) if callable(grid) else grid
    x, y, z = (*(int(size) for size in sizes), 1, 1, 1)[:3]
    constants = {p.name: _scalar(bound.get(p.name)) for p in function.params if p.is_constexpr}
    return Launch(
        kernel=function.fn.__name__,
        grid=(x, y, z),
        num_warps=compiled.metadata.num_warps,
        num_stages=compiled.metadata.num_stages,
        constants=constants,
        registers=compiled.n_regs,
        spill_bytes=compiled.n_spills,
        shared_bytes=compiled.metadata.shared,
    )


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
