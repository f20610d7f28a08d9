"""Nsight Compute over one forward of a kernel. Whatever goes wrong is "profile unavailable", never a verdict."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from .. import sandbox
from ..metrics import METRICS
from ..ncu import NcuUnreadable, ProfiledLaunch, find_ncu, parse_raw_csv
from ..places import Places, remove

_SECONDS = 120.0


class ProfileUnavailable(Exception):
    """No metrics, and why."""


def profile(
    source: Path, cache: Path, folder: Path, init_inputs: list[Any], inputs: list[Any]
) -> list[ProfiledLaunch]:
    """One row for each kernel that one forward launches, in order; raises `ProfileUnavailable`."""
    ncu = find_ncu()
    if ncu.path is None:
        raise ProfileUnavailable(f"ncu was not found: {ncu.remedy}")
    described = {
        "source": str(source),
        "init_inputs": pickle.dumps(init_inputs).hex(),
        "inputs": [_described(value) for value in inputs],
    }
    text = _profiled(ncu.path, json.dumps(described), Places(folder), cache)
    try:
        rows = parse_raw_csv(text, METRICS)
    except NcuUnreadable as problem:
        raise ProfileUnavailable(_explain(str(problem), text)) from None
    if not rows:
        raise ProfileUnavailable("ncu saw no kernel launch")
    return rows


def _profiled(ncu: str, order: str, places: Places, cache: Path) -> str:
    """What ncu printed; order and log lie where the profiled program can only read."""
    places.make()
    own = Path(tempfile.mkdtemp(prefix="profile-", dir=places.given))
    try:
        path = own / "order.json"
        path.write_text(order)
        return _run(_command(ncu, path), places, cache, own / "ncu.log")
    finally:
        remove(own)


def _command(ncu: str, order: Path) -> list[str]:
    # Clocks are left as they are: setting them needs rights and would change the card for everybody.
    flags = "--csv --page raw --print-units base --target-processes all --profile-from-start off"
    replay = "--replay-mode kernel --clock-control none"
    module = f"{__package__}.profiled"
    return [
        ncu, *flags.split(), *replay.split(), "--metrics", ",".join(METRICS),
        sys.executable, "-P", "-m", module, str(order),
    ]  # fmt: skip


def _run(command: list[str], places: Places, cache: Path, log: Path) -> str:
    extra = {"TRITON_CACHE_DIR": str(cache), "TRITON_CACHE_AUTOTUNING": "1"}
    env = sandbox.environment(places.private, extra)
    process = sandbox.start(command, folder=places.private, readable=[places.given], env=env, log=log)
    try:
        process.wait(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise ProfileUnavailable(f"ncu was still running after {_SECONDS:.0f} s") from None
    finally:
        sandbox.kill_group(process)
    with log.open("rb") as file:
        return file.read(64 << 20).decode(errors="replace")


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
