"""Autotuning without a clock: the first configuration that fits the card without spilling is taken.

Each configuration costs a compilation, so the rest are not tried once one is good. When all of them spill, the
one that spills least is taken; when none fits, Triton launches one anyway and the card's refusal stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import triton
import triton.testing
from triton.runtime.autotuner import Autotuner

from ..evaluation import Scalar
from ..launches import Launch
from .cuda_facade import patched
from .recorded import Tuning, TuningTrial
from .recorder import Recorder

_TOO_LARGE = [float("inf")] * 3


def trial_benchmark(recorder: Recorder) -> Callable[..., Any]:
    """Stands for ``triton.testing.do_bench``: runs the function once, unrecorded; the "time" is its spills."""

    def benchmark(function: Callable[[], object], *args: object, **options: Any) -> Any:
        with recorder.trial() as events:
            function()
        score = float(sum(event.spill_bytes or 0 for event in events if isinstance(event, Launch)))
        quantiles = options.get("quantiles")
        if quantiles is not None:
            return [score] * len(quantiles)
        return [score] if options.get("return_mode") == "all" else score

    return benchmark


@contextmanager
def autotuning_offline(recorder: Recorder) -> Iterator[None]:
    """Let ``triton.autotune`` and ``triton.testing.do_bench`` decide without running anything."""
    session = _Session(recorder)
    methods: dict[str, object] = {
        "run": session.run(),
        "_bench": session.bench(),
        "check_disk_cache": _without_disk,
    }
    bench = trial_benchmark(recorder)
    with (
        patched(Autotuner, methods),
        patched(triton.testing, {"do_bench": bench, "do_bench_cudagraph": bench}),
    ):
        yield


class _Session:
    """Remembers which round of tuning is going on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._rounds: list[Tuning] = []

    def run(self) -> Callable[..., Any]:
        original = Autotuner.run

        def run(tuner: Any, *args: Any, **kwargs: Any) -> Any:
            self._rounds.append(Tuning(kernel=tuner.base_fn.__name__))
            try:
                return original(tuner, *args, **kwargs)
            finally:
                self._finish(tuner)

        return run

    def _finish(self, tuner: Any) -> None:
        tuning = self._rounds.pop()
        best = getattr(tuner, "best_config", None)
        if tuning.trials:
            tuning.chosen = _config(best) if best is not None else {}
            self._recorder.tunings.append(tuning)

    def bench(self) -> Callable[..., list[float]]:
        original = Autotuner._bench
        benchmark = trial_benchmark(self._recorder)

        def bench(tuner: Any, *args: Any, config: Any, **meta: Any) -> list[float]:
            trials = self._rounds[-1].trials
            if any(trial.outcome == "fits" for trial in trials):
                trials.append(TuningTrial(config=_config(config), outcome="not tried"))
                return _TOO_LARGE
            tuner.__dict__["do_bench"] = benchmark
            timings: list[float] = original(tuner, *args, config=config, **meta)
            trials.append(TuningTrial(config=_config(config), outcome=_outcome(timings[0])))
            return timings

        return bench


def _without_disk(tuner: object, key: object, configs: object, benchmark: Callable[[], None]) -> bool:
    """Scores are no timings: they must not reach a cache that a measured run reads."""
    benchmark()
    return False


def _outcome(score: float) -> str:
    if score == float("inf"):
        return "too large"
    return f"spills {int(score)} bytes" if score else "fits"


def _config(config: Any) -> dict[str, Scalar]:
    return {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in config.all_kwargs().items()
    }
