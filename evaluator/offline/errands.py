"""What runners do without a card: record launches, call in the interpreter, count accesses. Judge's side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..bench import Bench
from ..calling import Caller
from ..correctness import Check, check
from ..defences import switched_off
from ..evaluation import Status
from ..exchange import create_memory_arena
from ..gpus import Gpu
from ..orders import Load
from ..reference.oracle import Oracle, Shapes
from ..runners import Failure, Runner, WarmParent
from .counting import Traffic
from .recorded import Recording

_START_SECONDS = 60.0
_RECORD_SECONDS = 150.0
_INTERPRET_SECONDS = 90.0
_COUNT_SECONDS = 60.0


def record_launches(parent: WarmParent, source: Path, oracle: Shapes, gpu: Gpu, cache: Path) -> Recording:
    """The candidate's launches for that card, compiled but not run; raises `Failure` when its process fails."""
    with parent.fork() as runner:
        return begin_recording(runner, source, oracle, gpu, cache)()


def begin_recording(
    runner: Runner, source: Path, oracle: Shapes, gpu: Gpu, cache: Path
) -> Callable[[], Recording]:
    """Order the same of one runner; the returned function waits for it, and raises what it raises."""
    runner.order("enter", folder=str(runner.folder), cache=str(cache), gpu=None, cuda=False)
    runner.order("record", **_call(source, oracle, gpu))

    def wait() -> Recording:
        runner.answer(_RECORD_SECONDS, "starting")
        answer = runner.answer(_RECORD_SECONDS, f"compiling for the {gpu.title}")
        try:
            return Recording.model_validate(answer.get("recording"))
        except ValidationError:
            raise Failure(Status.RUNTIME_ERROR, "the recorder's answer made no sense") from None

    return wait


def interpret(
    parent: WarmParent, source: Path, oracles: list[Oracle], gpu: Gpu, cache: Path, into: Check, until: float
) -> None:
    """Check calls in Triton's interpreter until then, all families at the first shapes; raises `Failure`."""
    with parent.fork() as runner:
        without = [defence.value for defence in switched_off()]
        folder = str(runner.folder)
        runner.ask(
            "enter", _START_SECONDS, "starting", folder=folder, cache=str(cache), gpu=gpu, without=without
        )
        for oracle in oracles:
            families = oracle.families() if oracle is oracles[0] else ["nominal"]
            _interpret_at(oracle, runner, source, families, into, until)


def _interpret_at(
    oracle: Oracle, runner: Runner, source: Path, families: list[str], into: Check, until: float
) -> None:
    with closing(Bench(oracle.facts, create_memory_arena)) as bench:
        load = Load(str(source), "ModelNew", oracle.init_inputs, bench.arena.address)
        runner.ask("load", _INTERPRET_SECONDS, "being imported", bench.arena.descriptors, load=load)
        oracle.redraw_parameters()
        bench.write_parameters(oracle.parameters)
        runner.ask("parameters", _INTERPRET_SECONDS, "taking its parameters", slots=bench.parameters)
        caller = Caller(bench, runner, "cpu", until)
        check(oracle, caller, families, seconds=_INTERPRET_SECONDS, into=into)


def count(
    parent: WarmParent, source: Path, oracle: Shapes, gpu: Gpu, cache: Path, recording: Recording
) -> list[Traffic]:
    """The memory traffic of each recorded launch; raises `Failure` or `ValidationError`."""
    with parent.fork() as runner:
        folder = str(runner.folder)
        runner.ask("enter", _START_SECONDS, "starting", folder=folder, cache=str(cache), gpu=None, cuda=False)
        call = _call(source, oracle, gpu)
        answer = runner.ask("count", _COUNT_SECONDS, "being counted", launches=recording.launches, **call)
    traffic = [Traffic.model_validate(raw) for raw in answer.get("traffic", [])]
    if len(traffic) != len(recording.launches):
        raise Failure(Status.RUNTIME_ERROR, "the count does not match the launches")
    return traffic


def _call(source: Path, oracle: Shapes, gpu: Gpu) -> dict[str, Any]:
    return {
        "source": str(source),
        "init_inputs": oracle.init_inputs,
        "inputs": oracle.arguments,
        "parameters": oracle.facts.parameters,
        "gpu": gpu,
    }
