"""What a candidate replaces in its process is noticed; what it leaves alone never is."""

import json
import socket
import sys
import time
import types
from typing import Any

import pytest
import torch
import triton
from kernelwright.evaluator import channel, runner
from kernelwright.evaluator.integrity import Snapshot, flags
from torch.overrides import TorchFunctionMode
from triton.runtime.jit import JITFunction


def nothing(*args: object, **kwargs: object) -> float:
    return 0.0


class Scaled(torch.cuda.Event):
    pass


REPLACED: list[tuple[Any, str, object]] = [
    (torch.cuda, "Event", Scaled),
    (torch.cuda.Event, "elapsed_time", nothing),
    (torch.cuda, "synchronize", nothing),
    (torch.Tensor, "copy_", nothing),
    (torch.Tensor, "fill_", nothing),
    (time, "perf_counter", nothing),
    (triton.testing, "do_bench", nothing),
    (JITFunction, "run", nothing),
    (json, "dumps", nothing),
    (socket.socket, "sendall", nothing),
    (runner, "_call", nothing),
    (channel, "send_answer", nothing),
    (torch.profiler, "profile", nothing),
]


@pytest.mark.parametrize(("owner", "name", "instead"), REPLACED, ids=[name for _, name, _ in REPLACED])
def test_a_replaced_name_is_noticed(monkeypatch, owner, name, instead):
    snapshot = Snapshot()
    monkeypatch.setattr(owner, name, instead, raising=False)
    assert any(found.endswith(f".{name}") for found in snapshot.replaced())


def test_nothing_is_noticed_where_nothing_was_replaced():
    snapshot = Snapshot()
    torch.nn.Linear(2, 2)(torch.ones(1, 2))
    assert snapshot.replaced() == []


def test_another_code_within_the_same_function_is_noticed():
    snapshot = Snapshot()
    kept = torch.cuda.synchronize.__code__
    try:
        torch.cuda.synchronize.__code__ = (lambda device=None: None).__code__
        assert snapshot.replaced() == ["torch.cuda.synchronize"]
    finally:
        torch.cuda.synchronize.__code__ = kept


def test_another_class_behind_super_is_noticed():
    snapshot = Snapshot()
    (cell,) = torch.cuda.Event.elapsed_time.__closure__
    kept = cell.cell_contents
    try:
        cell.cell_contents = Scaled
        assert "torch.cuda.Event.elapsed_time" in snapshot.replaced()
    finally:
        cell.cell_contents = kept


def test_an_import_hook_is_noticed(monkeypatch):
    snapshot = Snapshot()
    monkeypatch.setattr(sys, "meta_path", [types.SimpleNamespace(find_spec=nothing), *sys.meta_path])
    assert snapshot.replaced() == ["sys.meta_path"]


def test_a_profile_function_is_noticed():
    snapshot = Snapshot()
    sys.setprofile(nothing)
    try:
        assert "sys.setprofile" in snapshot.replaced()
    finally:
        sys.setprofile(None)


class Mode(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def test_a_mode_that_was_left_on_is_noticed():
    snapshot = Snapshot()
    with Mode():
        assert snapshot.replaced() == ["torch's function modes"]
    assert snapshot.replaced() == []


@pytest.mark.parametrize(("key", "noticed"), [("CUDA", True), ("Meta", False)])
def test_a_kernel_registered_for_an_operation_is_noticed(key, noticed):
    snapshot = Snapshot()
    library = torch.library.Library("aten", "IMPL", key)
    try:
        library.impl("detach", nothing)
        assert ("the kernels of aten::detach" in snapshot.replaced()) is noticed
    finally:
        library._destroy()


def test_changed_settings_show():
    before = flags()
    torch.backends.cudnn.benchmark = True
    try:
        assert flags() != before
    finally:
        torch.backends.cudnn.benchmark = False
    assert flags() == before
