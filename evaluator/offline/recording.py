"""Runs a candidate's own host code for a card that is not there and keeps every launch.

Meant for a process of its own, started under a time limit with ``TRITON_INTERPRET`` unset: a candidate is
foreign code, and what is patched here is patched for the whole process.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import triton

from ..evaluation import Scalar, Status
from ..gpus import Gpu
from ..launches import Launch
from ..protocol import EnvironmentLacks, TensorFact
from .autotuning import autotuning_offline
from .cuda_facade import patched
from .failures import ContractBroken, explain
from .fake_cuda import Storages, card_tensor, dtype_name, fake_cuda, prepare_fake_tensors
from .recorded import Recording, TorchOperation, Tuning, TuningTrial
from .recorder import Event, Recorder
from .recording_driver import RecordingDriver, recording_driver
from .torch_operations import TorchOperations

__all__ = ["Recording", "TorchOperation", "Tuning", "TuningTrial", "prepare", "record"]

_MODULE = "kernelwright_candidate"


def prepare() -> None:
    """Pay once, in a process that forks, for what every recording needs: about 2.5 s of imports and hashing."""
    prepare_fake_tensors()
    triton.runtime.cache.triton_key()


def record(
    candidate: Path,
    init_inputs: Sequence[object],
    inputs: Sequence[TensorFact | Scalar],
    parameters: Sequence[TensorFact],
    gpu: Gpu,
) -> Recording:
    """Import a candidate, build its ``ModelNew`` and call it as if on ``gpu``; a failure is a status.

    The second of two forward calls is recorded: the first one tunes, captures graphs and fills caches. Raises
    `EnvironmentLacks` when the installation cannot do this, nothing else.
    """
    if triton.knobs.runtime.interpret:
        raise EnvironmentLacks("launches cannot be recorded under TRITON_INTERPRET: unset it and start again")
    candidate = candidate.resolve()
    recorder, storages = Recorder(), Storages()
    with ExitStack() as stack:
        stack.enter_context(fake_cuda(gpu, storages, recorder))
        driver = stack.enter_context(recording_driver(gpu, recorder, storages))
        stack.enter_context(autotuning_offline(recorder))
        stack.enter_context(_watched_compiler(recorder))
        stack.enter_context(TorchOperations(recorder))
        return _recording(candidate, init_inputs, inputs, parameters, recorder, driver)


def _recording(
    candidate: Path,
    init_inputs: Sequence[object],
    inputs: Sequence[TensorFact | Scalar],
    parameters: Sequence[TensorFact],
    recorder: Recorder,
    driver: RecordingDriver,
) -> Recording:
    status, reason, outputs, warnings = Status.PASSED, None, None, []
    try:
        with _imported(candidate) as module:
            model = _built(module, init_inputs, parameters)
            built = recorder.start_over()
            _called(model, inputs)
            first = recorder.start_over()
            outputs = _called(model, inputs)
            warnings = _differences(built, first, recorder.events)
    except EnvironmentLacks:
        raise
    except (Exception, SystemExit) as error:
        status, reason = explain(error, candidate, recorder, driver)
        recorder.start_over()  # half a call is no call
    launches = _launches(recorder.events)
    if status is Status.PASSED and not launches:
        status, reason = Status.REJECTED, "forward launched no Triton kernel"
    return Recording(
        status=status,
        reason=reason,
        launches=launches,
        operations=[event for event in recorder.events if isinstance(event, TorchOperation)],
        outputs=outputs,
        tunings=recorder.tunings,
        warnings=warnings,
        compile_seconds=recorder.compile_seconds,
    )


@contextmanager
def _imported(candidate: Path) -> Iterator[ModuleType]:
    """The candidate as a module, from its real file, since ``triton.jit`` reads the source there."""
    spec = importlib.util.spec_from_file_location(_MODULE, candidate)
    if spec is None or spec.loader is None:
        raise ContractBroken(f"'{candidate.name}' is not a Python file", Status.INVALID_SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[_MODULE]


def _built(module: ModuleType, init_inputs: Sequence[object], parameters: Sequence[TensorFact]) -> Any:
    if not hasattr(module, "ModelNew"):
        raise ContractBroken("the source defines no class ModelNew", Status.INVALID_SOURCE)
    model = module.ModelNew(*init_inputs)
    if not isinstance(model, torch.nn.Module):
        raise ContractBroken("ModelNew is not a torch.nn.Module", Status.INVALID_SOURCE)
    model = model.to("cuda").eval()
    _check_parameters(model, parameters)
    return model


def _check_parameters(model: Any, wanted: Sequence[TensorFact]) -> None:
    """The reference's state must load strictly, so names and shapes have to be the same."""
    there = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    shapes = {fact.name: fact.shape for fact in wanted}
    if missing := [name for name in shapes if name not in there]:
        raise ContractBroken(f"ModelNew has no parameter {', '.join(missing)}, which the reference has")
    if unexpected := [name for name in there if name not in shapes]:
        raise ContractBroken(
            f"ModelNew has {', '.join(unexpected)} in its state, which the reference has not"
        )
    for name, shape in shapes.items():
        if there[name] != shape:
            raise ContractBroken(
                f"parameter {name} of ModelNew has shape {there[name]} and must have {shape}"
            )


def _called(model: Any, inputs: Sequence[TensorFact | Scalar]) -> list[TensorFact]:
    """One forward on new tensors; the facts of what it returns."""
    result = model(*(card_tensor(item) if isinstance(item, TensorFact) else item for item in inputs))
    if isinstance(result, torch.Tensor):
        return [_output("output", result)]
    if not isinstance(result, tuple | list):
        raise ContractBroken(f"forward returned a {type(result).__name__} and must return tensors")
    return [_output(f"output_{index}", item) for index, item in enumerate(result)]


def _output(name: str, value: Any) -> TensorFact:
    if not isinstance(value, torch.Tensor):
        raise ContractBroken(f"forward returned a {type(value).__name__} as {name} and must return tensors")
    if value.device.type != "cuda":
        raise ContractBroken(f"forward returned {name} on {value.device.type} and must leave it on the card")
    return TensorFact(name=name, shape=list(value.shape), dtype=dtype_name(value))


def _differences(built: list[Event], first: list[Event], second: list[Event]) -> list[str]:
    """What a reader should know: work done before the timed call may be work kept from it."""
    early, one, two = (len(_launches(events)) for events in (built, first, second))
    warnings = []
    if early:
        warnings.append(f"{early} launches while ModelNew was built are not counted")
    if one > two:
        warnings.append(f"the first forward call made {one} launches and the second {two}; the second counts")
    return warnings


def _launches(events: Sequence[Event]) -> list[Launch]:
    return [event for event in events if isinstance(event, Launch)]


@contextmanager
def _watched_compiler(recorder: Recorder) -> Iterator[None]:
    """Note which exceptions are the compiler's, and how long it took."""
    original: Callable[..., Any] = triton.compiler.compile

    def compile_watched(src: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(src, *args, **kwargs)
        except Exception as error:
            recorder.compile_failures.append((error, getattr(src, "name", "?")))
            raise
        finally:
            recorder.compile_seconds += time.perf_counter() - start

    with patched(triton.compiler, {"compile": compile_watched}):
        yield
