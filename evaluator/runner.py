"""The process that runs one candidate. Once candidate code is imported here, nothing it says is believed.

It holds no reference, no expected output, no tolerance and no verdict: it gets inputs in shared buffers, leaves
outputs in shared buffers, and answers orders. The same orders serve a card and Triton's interpreter.
"""

from __future__ import annotations

import contextlib
import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from . import channel
from .evaluation import Status
from .exchange import Arena, ArenaAddress, Slot, dtype_name, open_arena
from .gpus import Gpu
from .importing import import_source


class Refused(Exception):
    """An order failed for a reason that the runner itself found."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass
class Load:
    """Import a source, build its model."""

    source: str
    """Path of the file."""
    entry: str
    """``ModelNew`` for a candidate, ``Model`` for a reference that is timed as a baseline."""
    init_inputs: list[Any]
    arena: ArenaAddress
    compiled: bool = False
    """Wrap the model in torch.compile."""
    remember: bool = False
    """Remember Triton's launches from here on, for `_evidence`."""


Values = list["Slot | Any"]
"""Inputs of one call: slots are tensors in the arena, everything else is passed as it is."""


@dataclass
class State:
    """What one runner has so far."""

    device: str = "cuda"
    arena: Arena | None = None
    model: Any = None
    contexts: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    flush: torch.Tensor | None = None
    launches: list[Any] = field(default_factory=list)

    def values(self, inputs: Values) -> list[Any]:
        """Slots become tensors."""
        assert self.arena is not None
        return [self.arena.view(item) if isinstance(item, Slot) else item for item in inputs]


def serve(sock: socket.socket) -> None:
    """Answer orders until the judge is gone."""
    state = State()
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
        return {"failure": {"status": status, "reason": reason}}


def _enter(state: State, folder: str, cache: str, gpu: Gpu | None, cuda: bool = True) -> dict[str, Any]:
    """First order of every runner: a folder of its own, its Triton cache, and what stands for the device."""
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
    return {}


def _load(state: State, load: Load) -> dict[str, Any]:
    state.arena = open_arena(load.arena)
    if load.remember:
        from .measured.evidence import logged_launches

        state.launches = state.contexts.enter_context(logged_launches())
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
    return {}


def _parameters(state: State, slots: dict[str, Slot]) -> dict[str, Any]:
    """Load the judge's values into the model, strictly by name and shape."""
    assert state.arena is not None
    plain = getattr(state.model, "_orig_mod", state.model)
    try:
        plain.load_state_dict({name: state.arena.view(slot) for name, slot in slots.items()}, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        raise Refused(
            Status.RUNTIME_ERROR, f"ModelNew's state_dict does not match the reference's: {' '.join(lines)}"
        ) from None
    return {}


def _forward(state: State, inputs: Values, outputs: list[Slot]) -> dict[str, Any]:
    """One call; its outputs end in their slots."""
    assert state.arena is not None
    arguments = state.values(inputs)
    results = _as_tensors(state.model(*arguments), outputs, arguments)
    for result, slot in zip(results, outputs, strict=True):
        state.arena.view(slot).copy_(result)
    _synchronize(state)
    return {}


def _as_tensors(result: Any, outputs: list[Slot], arguments: list[Any]) -> list[torch.Tensor]:
    results = list(result) if isinstance(result, tuple | list) else [result]
    if len(results) != len(outputs):
        raise Refused(Status.INCORRECT, f"forward returned {len(results)} outputs instead of {len(outputs)}")
    for number, (tensor, slot) in enumerate(zip(results, outputs, strict=True)):
        _check_output(number, tensor, slot, [item for item in arguments if isinstance(item, torch.Tensor)])
    return results


def _check_output(number: int, tensor: Any, slot: Slot, inputs: list[torch.Tensor]) -> None:
    if type(tensor) is not torch.Tensor and type(tensor) is not torch.nn.Parameter:
        raise Refused(Status.INCORRECT, f"output {number} is a {type(tensor).__name__}, not a torch.Tensor")
    if dtype_name(tensor.dtype) != slot.dtype:
        raise Refused(
            Status.INCORRECT, f"output {number} is {dtype_name(tensor.dtype)} instead of {slot.dtype}"
        )
    if tuple(tensor.shape) != slot.shape:
        raise Refused(
            Status.INCORRECT, f"output {number} has the shape {tuple(tensor.shape)} instead of {slot.shape}"
        )
    if not tensor.is_cuda:
        raise Refused(Status.INCORRECT, f"output {number} is on {tensor.device}, not on the GPU")
    mine = tensor.untyped_storage().data_ptr()
    if any(mine == item.untyped_storage().data_ptr() for item in inputs):
        raise Refused(Status.REJECTED, f"output {number} is one of the inputs or shares its memory")


def _time(state: State, sets: list[Values], outputs: list[list[Slot]], flush_bytes: int) -> dict[str, Any]:
    """Event times in ms of one call on each input set, L2 flushed before each.

    The flush also keeps the card busy while Python launches, so that host latency is not counted as long as
    it is shorter than the flush. Outputs are copied behind the end event, for the judge to recheck.
    """
    assert state.arena is not None
    if state.flush is None:
        state.flush = torch.empty(flush_bytes, dtype=torch.uint8, device="cuda")
    marks = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in sets]
    prepared = [state.values(inputs) for inputs in sets]
    torch.cuda.synchronize()
    for (start, end), values, slots in zip(marks, prepared, outputs, strict=True):
        state.flush.zero_()
        start.record()
        result = state.model(*values)
        end.record()
        results = list(result) if isinstance(result, tuple | list) else [result]
        for tensor, slot in zip(results, slots, strict=True):
            state.arena.view(slot).copy_(tensor)
    torch.cuda.synchronize()
    return {"ms": [start.elapsed_time(end) for start, end in marks]}


def _evidence(state: State, inputs: Values) -> dict[str, Any]:
    """What one call launched: Triton launches with grid and configuration, GPU time by kernel name."""
    from .measured.evidence import gather

    return gather(lambda: state.model(*state.values(inputs)), state.launches)


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


def _health(state: State) -> dict[str, Any]:
    """Does the card still add?"""
    ones = torch.ones(1024, device="cuda")
    return {"sum": float((ones + ones).sum().item())}


_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "enter": _enter,
    "load": _load,
    "parameters": _parameters,
    "forward": _forward,
    "time": _time,
    "evidence": _evidence,
    "record": _record,
    "count": _count,
    "health": _health,
}


def _synchronize(state: State) -> None:
    if state.device == "cuda":
        torch.cuda.synchronize()


_BY_NAME = {
    "OutOfResources": Status.RESOURCE_LIMIT,
    "CompilationError": Status.COMPILE_ERROR,
    "CompileTimeAssertionFailure": Status.COMPILE_ERROR,
    "UnsupportedLanguageConstruct": Status.COMPILE_ERROR,
    "PTXASError": Status.COMPILE_ERROR,
    "MLIRError": Status.COMPILE_ERROR,
    "OutOfMemoryError": Status.OUT_OF_MEMORY,
    "MemoryError": Status.OUT_OF_MEMORY,
}


def classify(error: BaseException) -> tuple[Status, str]:
    """Status and one sentence for whatever candidate code raised."""
    if isinstance(error, Refused):
        return error.status, error.reason
    limit = _interpreter_limit(error)
    if limit is not None:
        return Status.UNCHECKED, limit
    names = [kind.__name__ for kind in type(error).__mro__]
    status = next((_BY_NAME[name] for name in names if name in _BY_NAME), Status.RUNTIME_ERROR)
    return status, f"{type(error).__name__}{_place(error)}: {_message(error)}"


def _interpreter_limit(error: BaseException) -> str | None:
    if os.environ.get("TRITON_INTERPRET") != "1":
        return None
    from .offline.interpreting import is_interpreter_limit

    try:
        return is_interpreter_limit(error)
    except Exception:  # a hostile __str__
        return None


def _place(error: BaseException) -> str:
    """Where in the candidate it happened."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == "kernel.py"
    ]
    return f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""


def _message(error: BaseException) -> str:
    """Up to 500 characters of the message, from its telling end for compiler errors."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # a hostile __str__
        return "no message"
    return text if len(text) <= 500 else f"{text[:240]} … {text[-240:]}"
