"""The process that runs one candidate. Once candidate code is imported here, nothing it says is believed.

It holds no reference, no expected output, no tolerance and no verdict: it gets inputs in shared buffers, leaves
outputs in shared buffers, and answers orders. The same orders serve a card and Triton's interpreter.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from . import channel, defences
from .autotune_choice import keep_choices
from .classify import Refused, classify
from .defences import Defence
from .evaluation import Status
from .exchange import Arena, Slot, open_arena
from .gpus import Gpu
from .importing import import_source
from .integrity import Snapshot, flags
from .launch_log import LaunchLog, start_log
from .measured.tracing import traced, warm_up
from .orders import Call, Load
from .outputs import hand_over, poison_the_pool


@dataclass
class State:
    """What one runner has so far."""

    sock: socket.socket
    device: str = "cuda"
    arena: Arena | None = None
    model: Any = None
    contexts: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    log: LaunchLog | None = None
    snapshot: Snapshot | None = None
    flags: dict[str, object] = field(default_factory=dict)
    scratch: torch.Tensor | None = None

    def view(self, slot: Slot) -> torch.Tensor:
        """The tensor in that slot."""
        assert self.arena is not None
        return self.arena.view(slot)

    def values(self, inputs: list[Any]) -> list[Any]:
        """Slots become tensors."""
        return [self.view(item) if isinstance(item, Slot) else item for item in inputs]


_PAGE = 65536
"""Bytes; the smallest pages that CUDA maps are no smaller."""


def serve(sock: socket.socket) -> None:
    """Answer orders until the judge is gone."""
    state = State(sock)
    while True:
        try:
            order = channel.receive_order(sock)
        except channel.Closed:
            return
        channel.send_answer(sock, _perform(state, order))


def _perform(state: State, order: dict[str, Any]) -> dict[str, Any]:
    operation = _OPERATIONS[order.pop("op")]
    try:
        with torch.no_grad():
            return operation(state, **order)
    except BaseException as error:  # also SystemExit and KeyboardInterrupt: a candidate may raise anything
        status, reason = classify(error)
        defence = error.defence if isinstance(error, Refused) else None
        return {"failure": {"status": status, "reason": reason, "defence": defence}}


def _enter(
    state: State, folder: str, cache: str, gpu: Gpu | None, cuda: bool = True, without: Sequence[str] = ()
) -> dict[str, Any]:
    """First order of every runner: a folder of its own, its Triton cache, and what stands for the device."""
    defences.switch_off(without)
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder, TRITON_CACHE_DIR=cache, TORCHINDUCTOR_CACHE_DIR=cache)
    log = os.open("output.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if gpu is not None:
        from .offline.interpreting import interpreted_cuda

        state.device = "cpu"
        state.contexts.enter_context(interpreted_cuda(gpu))
    elif cuda:
        torch.cuda.init()
        keep_choices(Path(cache))
        state.log = start_log()
    return {}


def _load(state: State, load: Load, descriptors: Sequence[int] = ()) -> dict[str, Any]:
    state.arena = open_arena(load.arena, descriptors)
    if load.entry == "ModelNew":
        state.snapshot, state.flags = Snapshot(), flags()
    module = import_source(Path(load.source))
    kind = getattr(module, load.entry, None)
    if kind is None:
        raise Refused(Status.INVALID_SOURCE, f"the source defines no {load.entry}")
    model = kind(*load.init_inputs)
    if not isinstance(model, torch.nn.Module):
        raise Refused(Status.INVALID_SOURCE, f"{load.entry} is not an nn.Module")
    state.model = model.cuda() if state.device == "cuda" else model
    if load.compiled:
        state.model = torch.compile(state.model)
    _check_integrity(state)
    return {}


def _parameters(state: State, slots: dict[str, Slot]) -> dict[str, Any]:
    """Load the judge's values into the model, strictly by name and shape."""
    plain = getattr(state.model, "_orig_mod", state.model)
    try:
        plain.load_state_dict({name: state.view(slot) for name, slot in slots.items()}, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        raise Refused(
            Status.RUNTIME_ERROR, f"ModelNew's state_dict does not match the reference's: {' '.join(lines)}"
        ) from None
    return {}


def _call(state: State, call: Call) -> dict[str, Any]:
    """One call on inputs that are new; its outputs end in their slots as they are when forward returns.

    The judge hears at once that it is done, since its clock is running; the rest of the answer follows.
    """
    assert state.arena is not None
    arguments = state.values(call.inputs)
    poison_the_pool(call.outputs)
    start, end = _flushed(state, call, arguments)
    result = state.model(*arguments)
    if end is not None:
        end.record()
    hand_over(state.arena, result, call.outputs)
    channel.send_answer(state.sock, {"done": True})
    _check_integrity(state)
    return {
        "ms": start.elapsed_time(end) if start is not None else None,
        "launched": sorted(f"{one.kernel}{list(one.grid)}" for one in state.log.take()) if state.log else [],
        "flags": sorted(name for name, value in flags().items() if value != state.flags.get(name, value)),
    }


def _flushed(state: State, call: Call, arguments: list[Any]) -> tuple[Any, Any]:
    """Flush L2, then begin the clock; (None, None) without a card.

    The flush keeps the card busy while Python launches, so host latency is not counted as long as it is shorter.
    It ends in memory of the process's own: lines of shared memory would still have to be written back. Then a
    value of every page is read, since address translations are lost to the flush and to other processes, which
    the first kernel would pay for.
    """
    if call.flush is None:
        return None, None
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    if state.scratch is None:
        state.scratch = torch.empty(2 * _l2_bytes(), dtype=torch.uint8, device="cuda")
    # Plain views of ours: no method of the candidate's runs here.
    pages = [one.flatten().view(torch.uint8)[::_PAGE] for one in arguments if type(one) is torch.Tensor]
    torch.cuda.synchronize()
    state.view(call.flush).fill_(call.stamp)
    state.scratch.zero_()
    for page in pages:
        page.sum()
    start.record()
    return start, end


def _l2_bytes() -> int:
    return int(torch.cuda.get_device_properties(0).L2_cache_size)


def _check_integrity(state: State) -> None:
    if state.snapshot is None or not defences.on(Defence.INTEGRITY):
        return
    replaced = state.snapshot.replaced()
    if replaced:
        raise Refused(
            Status.REJECTED,
            f"it replaced {', '.join(replaced[:3])}, on which its own measurement rests",
            Defence.INTEGRITY,
        )


def _prepare_trace(state: State) -> dict[str, Any]:
    return {"works": warm_up()}


def _trace(state: State, call: Call) -> dict[str, Any]:
    """A call with everything that it ran on the card; Triton's launches with grid and configuration."""
    assert state.log is not None and state.arena is not None
    arguments = state.values(call.inputs)
    state.log.take()
    _flushed(state, call, arguments)
    torch.cuda.synchronize()
    results: list[Any] = []
    ran = traced(lambda: results.append(state.model(*arguments)))
    hand_over(state.arena, results[0], call.outputs)
    launched = state.log.take()
    return {
        "ran": ran,
        "launches": [launch.model_dump(mode="json") for launch in launched],
        "known": [launch.model_dump(mode="json") for launch in state.log.known.values()],
    }


def _record(
    state: State, source: str, init_inputs: list[Any], inputs: list[Any], parameters: list[Any], gpu: Gpu
) -> dict[str, Any]:
    from .offline.recording import record

    return {"recording": record(Path(source), init_inputs, inputs, parameters, gpu).model_dump(mode="json")}


def _count(
    state: State,
    source: str,
    init_inputs: list[Any],
    inputs: list[Any],
    parameters: list[Any],
    gpu: Gpu,
    launches: list[Any],
) -> dict[str, Any]:
    from .offline.counting import count

    counted = count(Path(source), init_inputs, inputs, parameters, gpu, launches)
    return {"traffic": [one.model_dump(mode="json") for one in counted]}


def _leave(state: State) -> dict[str, Any]:
    """End at once, so that several processes can give their memory back at the same time."""
    os._exit(0)


def _health(state: State) -> dict[str, Any]:
    """Does the card still add?"""
    ones = torch.ones(1024, device="cuda")
    return {"sum": float((ones + ones).sum().item())}


_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "enter": _enter,
    "load": _load,
    "parameters": _parameters,
    "call": _call,
    "prepare_trace": _prepare_trace,
    "trace": _trace,
    "record": _record,
    "count": _count,
    "health": _health,
    "leave": _leave,
}
