"""Nsight Compute over one forward of a kernel. Whatever goes wrong is "profile unavailable", never a verdict."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from .. import sandbox
from ..metrics import METRICS
from ..ncu import NcuUnreadable, ProfiledLaunch, find_ncu, parse_raw_csv
from ..places import Places, remove

_SECONDS = 120.0


class ProfileUnavailable(Exception):
    """No metrics, and why."""


class Profiler:
    """ncu with a program that has imported PyTorch and waits for its order; started before it is needed.

    The order and what ncu prints lie where the profiled program can only read. Use as a context manager.
    """

    def __init__(self, places: Places, source: Path, cache: Path) -> None:
        self._places = places
        self._source = source
        self._cache = cache
        self._process: subprocess.Popen[bytes] | None = None
        self._ncu = find_ncu()
        if self._ncu.path is not None:
            places.make()
            self._own = Path(tempfile.mkdtemp(prefix="profile-", dir=places.given))
            self._process = self._start(self._ncu.path)

    def profile(self, init_inputs: list[Any], inputs: list[Any]) -> list[ProfiledLaunch]:
        """One row for each kernel that one forward launches, in order; raises `ProfileUnavailable`."""
        if self._process is None:
            raise ProfileUnavailable(f"ncu was not found: {self._ncu.remedy}")
        self._order(
            {
                "source": str(self._source),
                "init_inputs": pickle.dumps(init_inputs).hex(),
                "inputs": [_described(value) for value in inputs],
            }
        )
        text = self._printed(self._process)
        try:
            rows = parse_raw_csv(text, METRICS)
        except NcuUnreadable as problem:
            raise ProfileUnavailable(_explain(str(problem), text)) from None
        except (AttributeError, LookupError, ValueError, csv.Error):  # the profiled program prints there, too
            raise ProfileUnavailable("ncu's table cannot be read") from None
        if not rows:
            raise ProfileUnavailable("ncu saw no kernel launch")
        return rows

    def _start(self, ncu: str) -> subprocess.Popen[bytes]:
        extra = {"TRITON_CACHE_DIR": str(self._cache), "TRITON_CACHE_AUTOTUNING": "1"}
        private = self._places.private
        return sandbox.start(
            _command(ncu, self._own / "order.json"),
            folder=private,
            readable=[self._places.given],
            env=sandbox.environment(private, extra),
            log=self._own / "ncu.log",
        )

    def _order(self, order: dict[str, Any]) -> None:
        """Under its name only once it is whole."""
        new = self._own / "order.new"
        new.write_text(json.dumps(order), encoding="utf-8")
        new.rename(self._own / "order.json")

    def _printed(self, process: subprocess.Popen[bytes]) -> str:
        try:
            process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise ProfileUnavailable(f"ncu was still running after {_SECONDS:.0f} s") from None
        with (self._own / "ncu.log").open("rb") as file:
            return file.read(64 << 20).decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            sandbox.kill_group(self._process)
            remove(self._own)


def _command(ncu: str, order: Path) -> list[str]:
    # Clocks are left as they are: setting them needs rights and would change the card for everybody.
    flags = "--csv --page raw --print-units base --target-processes all --profile-from-start off"
    replay = "--replay-mode kernel --clock-control none"
    module = f"{__package__}.profiled"
    return [
        ncu, *flags.split(), *replay.split(), "--metrics", ",".join(METRICS),
        sys.executable, "-P", "-m", module, str(order),
    ]  # fmt: skip


def _described(value: Any) -> dict[str, Any]:
    if not isinstance(value, torch.Tensor):
        return {"plain": value}
    fact: dict[str, Any] = {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
    if not value.is_floating_point() and value.numel():
        fact["high"] = int(value.max()) + 1
    return fact


def _explain(problem: str, text: str) -> str:
    if "ERR_NVGPUCTRPERM" in text:
        from ..ncu import PERMISSION_REMEDY

        return f"ncu may not read the counters (ERR_NVGPUCTRPERM): {PERMISSION_REMEDY}"
    return f"ncu gave no metrics: {problem}"
