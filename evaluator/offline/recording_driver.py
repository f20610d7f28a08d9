"""A Triton driver for a card that is not there: it compiles for it, checks what the card would, and records."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import _allocation

from ..evaluation import Scalar
from ..gpus import Gpu
from ..launches import Launch, TensorArgument
from .autotuning import trial_benchmark
from .cubin import Resources, resources
from .cuda_facade import triton_device_properties
from .fake_cuda import Storages, dtype_name
from .occupancy import occupancy, threads_that_registers_allow
from .recorder import Recorder

_GRID_LIMITS = (2**31 - 1, 65535, 65535)


class GridDoesNotFit(RuntimeError):
    """A cooperative grid has more programs than the card holds at once."""


class RecordingDriver:
    """What ``triton.runtime.driver.active`` has to offer, for ``gpu``."""

    def __init__(self, gpu: Gpu, recorder: Recorder, storages: Storages) -> None:
        self.gpu = gpu
        self.recorder = recorder
        self.storages = storages
        self.utils = _Utils(gpu)

    def is_active(self) -> bool:
        """Always."""
        return True

    def get_current_target(self) -> Any:
        """The architecture that kernels are compiled for."""
        return GPUTarget("cuda", self.gpu.arch_number, self.gpu.warp_size)

    def get_active_torch_device(self) -> Any:
        """``cuda:0``."""
        return torch.device("cuda", 0)

    def get_device_interface(self) -> Any:
        """``torch.cuda``, which the facade has fixed."""
        return torch.cuda

    def get_current_device(self) -> int:
        """The only card."""
        return 0

    def set_current_device(self, device: int) -> None:
        """There is only one."""

    def get_current_stream(self, device: int | None = None) -> int:
        """The default stream's handle."""
        return 0

    def get_device_capability(self, device: int | None = None) -> tuple[int, int]:
        """``(8, 9)``."""
        return divmod(self.gpu.arch_number, 10)

    def get_benchmarker(self) -> Callable[..., list[float]]:
        """One trial without a clock; autotuning does not come here."""
        return trial_benchmark(self.recorder)

    def get_empty_cache_for_benchmark(self) -> Any:
        """A buffer to flush; nothing is cached."""
        return torch.empty(1, dtype=torch.int, device="cuda")

    def clear_cache(self, cache: object) -> None:
        """Nothing is cached."""

    def map_python_to_cpp_type(self, kind: str) -> str:
        """No launcher is built, so no C++ type is needed."""
        return kind

    def assemble_tensormap_to_arg(self, tensormaps: object, arguments: object) -> object:
        """Arguments as they are."""
        return arguments

    def launcher_cls(self, source: Any, metadata: Any) -> Callable[..., None]:
        """What Triton builds once per compiled kernel and calls for each launch."""
        self.utils.loading = metadata.name
        return _Launcher(self, source, metadata)


class _Utils:
    """The driver's part that loads binaries."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self.loading = ""
        """The kernel whose resources Triton is checking."""

    def get_device_properties(self, device: int) -> dict[str, int]:
        return triton_device_properties(self._gpu)

    def load_binary(
        self, name: str, cubin: bytes, shared: int, device: int
    ) -> tuple[object, Resources, int, int, int]:
        """Module, function, registers, spills, largest block: Triton refuses a larger one itself."""
        taken = resources(name, cubin)
        threads = threads_that_registers_allow(taken.registers, self._gpu)
        return object(), taken, taken.registers, taken.spill_bytes // 4, threads

    def unload_module(self, module: object) -> None:
        """Nothing was loaded."""

    def set_printf_fifo_size(self, size: int) -> None:
        """Nothing prints."""


class _Launcher:
    """Turns one call of Triton's launcher into a `Launch`."""

    def __init__(self, driver: RecordingDriver, source: Any, metadata: Any) -> None:
        self._driver = driver
        self._parameters = source.fn.params
        self._metadata = metadata

    def __call__(
        self,
        x: int,
        y: int,
        z: int,
        stream: int,
        function: Resources,
        packed: object,
        launch_metadata: object,
        enter_hook: object,
        exit_hook: object,
        *arguments: object,
    ) -> None:
        grid = _checked_grid(x, y, z)
        if 0 in grid:
            return
        self._allocate_scratch(grid, stream)
        launch = self._launch(grid, function, arguments)
        self._check_residency(launch)
        self._driver.recorder.add(launch)

    def _launch(self, grid: tuple[int, int, int], taken: Resources, arguments: Sequence[object]) -> Launch:
        meta = self._metadata
        values = list(zip(self._parameters, arguments, strict=True))
        constants = {p.name: _scalar(value) for p, value in values if p.is_constexpr}
        others = {p.name: value for p, value in values if not p.is_constexpr}
        return Launch(
            kernel=meta.name,
            grid=grid,
            num_warps=meta.num_warps,
            num_stages=meta.num_stages,
            num_ctas=meta.num_ctas,
            cooperative=bool(meta.launch_cooperative_grid),
            constants=constants,
            arguments=dict(_flat(others, self._driver.storages)),
            registers=taken.registers,
            spill_bytes=taken.spill_bytes,
            shared_bytes=meta.shared + taken.static_shared_bytes,
        )

    def _allocate_scratch(self, grid: tuple[int, int, int], stream: int) -> None:
        """Ask the allocator that ``triton.set_allocator`` named, as a real launch does."""
        size = self._metadata.global_scratch_size
        if size:
            total = grid[0] * grid[1] * grid[2] * self._metadata.num_ctas * size
            _allocation._allocator.get()(total, self._metadata.global_scratch_align, stream)

    def _check_residency(self, launch: Launch) -> None:
        gpu = self._driver.gpu
        places = occupancy(launch, gpu).blocks_per_sm * gpu.sm_count
        if launch.cooperative and launch.programs * launch.num_ctas > places:
            raise GridDoesNotFit(
                f"kernel '{launch.kernel}' is a cooperative launch of {launch.programs} programs "
                f"and {gpu.title} holds {places} at once"
            )


@contextmanager
def recording_driver(gpu: Gpu, recorder: Recorder, storages: Storages) -> Iterator[RecordingDriver]:
    """Make Triton launch into ``recorder`` until the context ends."""
    config = triton.runtime.driver
    before, driver = config._active, RecordingDriver(gpu, recorder, storages)
    triton.compiler.compiler.max_shared_mem.cache_clear()  # it remembers the card before this one
    config.set_active(driver)
    try:
        yield driver
    finally:
        config.set_active(before)


def _checked_grid(x: int, y: int, z: int) -> tuple[int, int, int]:
    grid = (operator.index(x), operator.index(y), operator.index(z))
    if any(not 0 <= size <= limit for size, limit in zip(grid, _GRID_LIMITS, strict=True)):
        raise RuntimeError(f"Triton Error [CUDA]: invalid argument (grid {grid}; limits are {_GRID_LIMITS})")
    return grid


def _flat(
    values: dict[str, object], storages: Storages
) -> Iterator[tuple[str, TensorArgument | int | float | bool | None]]:
    """Arguments by name; a tuple's elements as ``name.0``, a descriptor as the tensor that it describes."""
    for name, value in values.items():
        if isinstance(value, tuple | list):
            yield from _flat({f"{name}.{index}": item for index, item in enumerate(value)}, storages)
        elif value is None or isinstance(value, bool | int | float):
            yield name, value
        else:
            yield name, _tensor(name, value, storages)


def _tensor(name: str, value: Any, storages: Storages) -> TensorArgument | int | float:
    while not isinstance(value, torch.Tensor) and hasattr(value, "base"):
        value = value.base
    if not isinstance(value, torch.Tensor):
        number: int | float = value.item() if hasattr(value, "item") else int(value)
        return number
    if value.device.type != "cuda":
        raise ValueError(f"Pointer argument '{name}' cannot be accessed from Triton (cpu tensor?)")
    return TensorArgument(
        dtype=dtype_name(value),
        shape=tuple(value.shape),
        strides=tuple(value.stride()),
        storage=storages.number(value),
        offset_bytes=value.storage_offset() * value.element_size(),
    )


def _scalar(value: Any) -> Scalar:
    value = getattr(value, "value", value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
