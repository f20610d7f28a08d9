"""Count what a launch moves, without a card and without its tensors: programs run on fake memory.

Each pointer argument gets a range of addresses of its own and no storage behind it. A few programs of the
grid run in Triton's interpreter; every load, store and atomic is noted from its actual addresses and mask, at
the task's real sizes. Loads give zeros, and indices drawn at random where addresses come from memory
(`gathering`); a warning says so.
"""

from __future__ import annotations

import gc
import inspect
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ..gpus import Gpu
from ..launches import Launch, TensorArgument
from ..protocol import TensorFact
from .gathering import Draw, drawn, draws, same_work
from .ledger import ADDRESS_BITS, CutOff, Ledger, PointerLog
from .samples import Grid, samples
from .tally import Sample, tally
from .traffic import Traffic

__all__ = ["Traffic", "count"]

_ITEMSIZE = {"64": 8, "32": 4, "16": 2, "8": 1, "m3fn": 1, "m2": 1, "bool": 1}


def count(
    candidate: Path,
    init_inputs: Sequence[Any],
    inputs: Sequence[TensorFact | Any],
    parameters: Sequence[TensorFact],
    gpu: Gpu,
    launches: list[Launch],
    seconds: float = 30.0,
) -> list[Traffic]:
    """The traffic of each launch, in order. Never raises for a candidate's fault: `Traffic.reason` says it.

    The process must have set ``TRITON_INTERPRET=1`` before Triton was imported. ``inputs`` and ``parameters``
    are the task's timed shapes; what counts is what the launches say, recorded with those shapes.
    """
    from .interpreting import interpreted_cuda

    deadline = time.monotonic() + seconds
    known: dict[str, Traffic] = {}
    with interpreted_cuda(gpu):
        functions, problem = _functions(candidate, init_inputs, {launch.kernel for launch in launches})
        for number, launch in enumerate(launches):
            key = launch.model_dump_json()
            if key not in known:
                share = (deadline - time.monotonic()) / (len(launches) - number)
                known[key] = _count(functions, launch, time.monotonic() + share, problem)
    return [known[launch.model_dump_json()] for launch in launches]


def _functions(
    candidate: Path, init_inputs: Sequence[Any], wanted: set[str]
) -> tuple[dict[str, Any], str | None]:
    """The candidate's kernels by name; those that a factory makes appear when the model is built."""
    from ..importing import import_source

    try:
        module = import_source(candidate)
        found = _interpreted(vars(module).values())
        if wanted - set(found):
            keep = module.ModelNew(*init_inputs)
            found = _interpreted(gc.get_objects()) | found
            del keep
    except Exception as error:
        return {}, f"the source could not be imported for counting: {type(error).__name__}: {error}"
    return found, None


def _interpreted(values: Iterable[Any]) -> dict[str, Any]:
    from triton.runtime.interpreter import InterpretedFunction

    found: dict[str, Any] = {}
    for value in list(values):
        for _ in range(4):  # an autotuner over heuristics over the function itself
            if isinstance(value, InterpretedFunction) or not type(value).__module__.startswith("triton."):
                break
            value = getattr(value, "fn", None)
        if isinstance(value, InterpretedFunction):
            found.setdefault(value.fn.__name__, value)
    return found


def _count(functions: dict[str, Any], launch: Launch, deadline: float, problem: str | None) -> Traffic:
    function = functions.get(launch.kernel)
    if function is None:
        reason = problem or f"kernel '{launch.kernel}' is not to be found in the imported source"
        return Traffic(kernel=launch.kernel, grid=launch.grid, complete=False, reason=reason)
    taken, stopped = _sampled(function, launch, deadline)
    plain = [sample.ledger for sample in taken]
    for draw in draws(launch, plain) if stopped is None else []:
        other, failed = _sampled(function, launch, deadline, draw)
        if failed is None and same_work(plain, [sample.ledger for sample in other]):
            return tally(launch, other, None, f"random indices below {draw.bound:,}")
    return tally(launch, taken, stopped)


def _sampled(
    function: Any, launch: Launch, deadline: float, draw: Draw | None = None
) -> tuple[list[Sample], str | None]:
    """The programs that ran to their end, and why others are missing, if any are."""
    taken: list[Sample] = []
    for program, weight in samples(launch.grid):
        try:
            ledger = _run(function, launch, program, deadline, draw)
        except CutOff:
            return taken, f"counting was cut off after {len(taken)} programs"
        except Exception as error:
            return taken, f"the interpreter could not run it for counting: {_cause(error)}"
        taken.append(Sample(program, weight, ledger))
    return taken, None


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"


def _run(function: Any, launch: Launch, program: Grid, deadline: float, draw: Draw | None) -> Ledger:
    from .interpreter_hooks import counted, run_program, sampled_loops

    logs, arguments = _arguments(function, launch)
    ledger = Ledger(logs, deadline, launch.num_stages)
    with ExitStack() as stack:
        stack.enter_context(counted(ledger))
        stack.enter_context(sampled_loops(ledger, function.fn.__globals__))
        if draw is not None:
            stack.enter_context(drawn(draw))
        run_program(function, arguments, launch.grid, program)
    ledger.edge(0.0)
    return ledger


def _arguments(function: Any, launch: Launch) -> tuple[dict[int, PointerLog], dict[str, Any]]:
    """Logs by address range, and the call's arguments with fake pointers in place of tensors."""
    from .interpreter_hooks import argument, constant, pointer

    logs: dict[int, PointerLog] = {}
    given: dict[str, Any] = {name: constant(value) for name, value in launch.constants.items()}
    for number, (name, value) in enumerate(launch.arguments.items(), start=1):
        if isinstance(value, TensorArgument):
            logs[number] = PointerLog(name, extent(value))
            given[name] = pointer((number << ADDRESS_BITS) + value.offset_bytes % 256, value.dtype)
        else:
            given[name] = argument(value)
    known = set(function.arg_names)
    return logs, inspect.getcallargs(
        function.fn, **{name: value for name, value in given.items() if name in known}
    )


def extent(tensor: TensorArgument) -> int:
    """Bytes from a tensor's first to behind its last element."""
    size = next(width for suffix, width in _ITEMSIZE.items() if tensor.dtype.endswith(suffix))
    if 0 in tensor.shape:
        return 0
    return (int(np.dot(np.array(tensor.shape) - 1, tensor.strides)) + 1) * size
