"""Host code that was written for a card, run on the CPU under Triton's interpreter.

Everything here is for a process of its own, started with ``TRITON_INTERPRET=1`` and thrown away afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..gpus import Gpu
from .cuda_facade import cuda_facade, patched, triton_device_properties
from .cuda_graphs import GraphListener
from .interpreter_limits import (
    MEMORY_OPERATIONS_MAX,
    InterpreterLimit,
    interpreter_cannot_judge,
    is_interpreter_limit,
)

__all__ = ["InterpreterLimit", "interpreted_cuda", "interpreter_cannot_judge", "is_interpreter_limit"]

_CPU = torch.device("cpu")
_MEMORY = ("create_masked_load", "create_masked_store", "create_atomic_rmw", "create_atomic_cas")


@contextmanager
def interpreted_cuda(gpu: Gpu, configs: Mapping[str, str] | None = None) -> Iterator[None]:
    """Within this context CPU tensors pass for CUDA tensors of ``gpu``, and Triton kernels are interpreted.

    ``configs`` names the autotune configuration to take for a kernel, as ``str(triton.Config)`` prints it;
    a kernel that is not in it gets its first one. Nothing is benchmarked. Raises RuntimeError when Triton was
    imported without ``TRITON_INTERPRET=1``, and `InterpreterLimit` out of a launch that never seems to end.
    """
    import triton
    from triton.runtime import autotuner, driver, interpreter

    if not triton.knobs.runtime.interpret:
        raise RuntimeError("set TRITON_INTERPRET=1 in a new process, before Triton is imported")
    from .interpreter_bfloat16 import bfloat16_values
    from .interpreter_hooks import language_patched_once

    before = driver._active
    driver.set_active(_Driver(gpu))
    try:
        with (
            cuda_facade(gpu, _NoReplay()),
            patched(torch.Tensor, _tensor_answers()),
            patched(autotuner.Autotuner, {"_bench": _chosen(configs or {})}),
            patched(interpreter.InterpretedFunction, {"run": _run(interpreter.InterpretedFunction.run)}),
            bfloat16_values(),
            patched(interpreter.InterpreterBuilder, _limited(interpreter.InterpreterBuilder)),
            patched(triton.testing, {"do_bench": _once, "do_bench_cudagraph": _once}),
            language_patched_once(),
            _CudaIsCpu(),
        ):
            yield
    finally:
        driver._active = before


class _NoReplay(GraphListener):
    """What was captured has run once already, on the inputs of then."""

    def replay(self, graph: object) -> None:
        raise InterpreterLimit("a CUDA graph is replayed, which Triton's interpreter cannot do")


class _CudaIsCpu(TorchFunctionMode):  # type: ignore[misc]
    """Sends what asks for a CUDA device to the CPU."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if _names_a_card(named.get("device")):
            named["device"] = _CPU
        if named.get("pin_memory"):
            named["pin_memory"] = False
        if getattr(func, "__name__", "") == "to" and len(args) > 1 and _names_a_card(args[1]):
            args = (args[0], _CPU, *args[2:])
        places = tuple(_CPU if isinstance(one, torch.device) and one.type == "cuda" else one for one in args)
        return func(*places, **named)


def _names_a_card(device: object) -> bool:
    if isinstance(device, torch.device):
        return bool(device.type == "cuda")
    if isinstance(device, str):
        return device.startswith("cuda")
    return isinstance(device, int) and not isinstance(device, bool)


def _tensor_answers() -> dict[str, object]:
    """What a tensor says of its place, and the methods that would move it."""

    def same(tensor: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        return tensor

    return {
        "device": property(lambda tensor: torch.device("cuda", 0)),
        "is_cuda": property(lambda tensor: True),
        "is_cpu": property(lambda tensor: False),
        "get_device": lambda tensor: 0,
        "cuda": same,
        "pin_memory": same,
        "record_stream": lambda tensor, stream: None,
    }


def _chosen(configs: Mapping[str, str]) -> Callable[..., list[float]]:
    """A benchmark that takes no time: the named configuration wins, or else the first of equals."""

    def bench(self: Any, *args: object, config: Any, **meta: object) -> list[float]:
        named = configs.get(self.base_fn.__name__)
        return [0.0 if named == str(config) else 1.0] * 3

    return bench


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    """A launch whose grid may be what a card would take: a list, an int, or scalars of the interpreter."""

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        def plain(meta: dict[str, Any]) -> tuple[int, ...]:
            made = grid(meta) if callable(grid) else grid
            return tuple(int(size) for size in (made if isinstance(made, tuple | list) else (made,)))

        return original(self, *args, grid=plain, warmup=warmup, **kwargs)

    return run


def _limited(builder: type) -> dict[str, Callable[..., Any]]:
    """Memory operations that give up on a program that waits for one that has not started."""
    done = 0

    def start(original: Callable[..., Any]) -> Callable[..., Any]:
        def set_grid_idx(self: Any, x: int, y: int, z: int) -> None:
            nonlocal done
            done = 0
            original(self, x, y, z)

        return set_grid_idx

    def operation(original: Callable[..., Any]) -> Callable[..., Any]:
        def access(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done > MEMORY_OPERATIONS_MAX:
                raise InterpreterLimit(
                    f"one program made over {MEMORY_OPERATIONS_MAX} memory accesses, as if it waited for another,"
                    " and the interpreter runs them one after another"
                )
            return original(*args, **kwargs)

        return access

    hooks = {name: operation(getattr(builder, name)) for name in _MEMORY}
    return hooks | {"set_grid_idx": start(builder.set_grid_idx)}  # type: ignore[attr-defined]


def _once(
    run: Callable[[], object], *args: object, quantiles: list[float] | None = None, **kwargs: object
) -> Any:
    """A benchmark for host code that times its own kernels: one call, one millisecond."""
    run()
    return [1.0] * len(quantiles) if quantiles else 1.0


class _Driver:
    """What host code and Triton ask of ``triton.runtime.driver.active``."""

    def __init__(self, gpu: Gpu) -> None:
        self.gpu = gpu
        self.utils = self

    def get_device_properties(self, device: object = 0) -> dict[str, int]:
        """Triton's own names."""
        return triton_device_properties(self.gpu)

    def get_current_target(self) -> Any:
        """The chosen card's architecture."""
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self.gpu.arch_number, self.gpu.warp_size)

    def get_active_torch_device(self) -> torch.device:
        """The only card."""
        return torch.device("cuda", 0)

    def get_current_device(self) -> int:
        """The only card."""
        return 0

    def set_current_device(self, device: int) -> None:
        """There is one."""

    def get_current_stream(self, device: object = None) -> int:
        """The default stream."""
        return 0

    def get_device_interface(self) -> Any:
        """PyTorch's module for the card."""
        return torch.cuda

    def get_benchmarker(self) -> Callable[..., Any]:
        """Takes no time."""
        return _once

    def get_empty_cache_for_benchmark(self) -> torch.Tensor:
        """Nothing to flush."""
        return torch.empty(1)

    def clear_cache(self, cache: object) -> None:
        """Nothing to flush."""
