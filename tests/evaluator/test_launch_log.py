"""What a runner remembers of Triton's launches: grid, constants, configuration, and no tensor."""

import gc
import types
import weakref
from typing import Any

import pytest
import torch
import triton
import triton.language as tl
from kernelwright.evaluator.launch_log import LaunchLog, start_log
from triton.runtime.jit import JITFunction


@triton.jit
def doubles(x_ptr, count, BLOCK: tl.constexpr, SCALE: tl.constexpr = 2):
    tl.store(x_ptr, count * SCALE)


def launched(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
    """In the place of a card: computes the grid as Triton does and hands out a compiled kernel's facts."""
    if callable(grid):
        grid({"BLOCK": kwargs["BLOCK"]})
    metadata = types.SimpleNamespace(num_warps=4, num_stages=3, shared=512)
    return types.SimpleNamespace(metadata=metadata, n_regs=40, n_spills=0)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> LaunchLog:
    monkeypatch.setattr(JITFunction, "run", launched)
    return start_log()


def test_a_launch_is_described(log):
    doubles[(7, 2)](torch.ones(3), 5, BLOCK=64)
    (launch,) = log.take()
    assert launch.kernel == "doubles"
    assert launch.grid == (7, 2, 1)
    assert launch.constants == {"BLOCK": 64, "SCALE": 2}
    assert (launch.num_warps, launch.registers, launch.shared_bytes) == (4, 40, 512)


def test_a_grid_that_is_a_function_is_computed_once(log):
    asked = []

    def grid(meta):
        asked.append(meta)
        return (meta["BLOCK"] // 16,)

    doubles[grid](torch.ones(3), 5, BLOCK=64)
    assert log.take()[0].grid == (4, 1, 1)
    assert len(asked) == 1


def test_what_was_taken_is_gone_but_its_kind_stays_known(log):
    for _ in range(3):
        doubles[(1,)](torch.ones(3), 5, BLOCK=64)
    assert len(log.take()) == 3
    assert log.take() == []
    assert len(log.known) == 1


def test_no_tensor_is_kept_alive(log):
    x = torch.ones(3)
    gone = weakref.ref(x)
    doubles[(1,)](x, 5, BLOCK=64)
    del x
    gc.collect()
    assert gone() is None
