"""Nsight Compute: where it is, whether it may read counters, and what its CSV says. No torch."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import shutil
import subprocess
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class NcuFacts(BaseModel):
    """What can be known before ncu is run."""

    model_config = ConfigDict(extra="forbid")
    path: str | None
    version: str | None
    permission: str
    """``yes``, ``no`` or ``unknown``."""
    remedy: str | None = None
    """What to do when profiling will not work."""


class ProfiledLaunch(BaseModel):
    """One row of the raw page."""

    model_config = ConfigDict(extra="forbid")
    kernel: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    metrics: dict[str, float]
    missing: dict[str, str] = Field(default_factory=dict)


class NcuUnreadable(ValueError):
    """ncu's output holds no table."""


PERMISSION_REMEDY = (
    "allow counters with the driver option NVreg_RestrictProfilingToAdminUsers=0, or run as root"
)


def find_ncu() -> NcuFacts:
    """Path, version and permission of Nsight Compute on this machine."""
    path = shutil.which("ncu") or _newest_install()
    if path is None:
        return NcuFacts(
            path=None,
            version=None,
            permission="unknown",
            remedy="install Nsight Compute (it comes with the CUDA toolkit) and put ncu on the PATH",
        )
    permission = _permission()
    remedy = PERMISSION_REMEDY if permission == "no" else None
    return NcuFacts(path=path, version=_version(path), permission=permission, remedy=remedy)


def _newest_install() -> str | None:
    places = [*Path("/opt/nvidia/nsight-compute").glob("*/ncu"), *Path("/usr/local").glob("cuda*/bin/ncu")]
    return str(sorted(places)[-1]) if places else None


def _version(path: str) -> str | None:
    try:
        out = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"Version (\d[\d.]*)", out)
    return found.group(1) if found else None


def _permission() -> str:
    """RmProfilingAdminOnly of the driver tells beforehand whether users other than root may profile."""
    if os.geteuid() == 0:
        return "yes"
    try:
        text = Path("/proc/driver/nvidia/params").read_text()
    except OSError:
        return "unknown"
    return "yes" if re.search(r"RmProfilingAdminOnly:\s*0", text) else "no"


def parse_raw_csv(text: str, asked: tuple[str, ...]) -> list[ProfiledLaunch]:
    """Rows of ``ncu --csv --page raw``; what was asked for and did not come back is named with its reason.

    The table has a units row under its header, thousands separators in its numbers, and tool lines before it.
    Raises `NcuUnreadable` when there is no table.
    """
    rows = list(csv.DictReader(io.StringIO(_table(text))))
    return [_launch(row, asked) for row in rows if row["ID"]]


def _table(text: str) -> str:
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith('"ID",')), None)
    if start is None:
        errors = [line for line in lines if line.startswith("==ERROR==")]
        raise NcuUnreadable(errors[0].removeprefix("==ERROR==").strip() if errors else "ncu printed no table")
    return "\n".join(line for line in lines[start:] if line.startswith('"'))


def _launch(row: dict[str, str], asked: tuple[str, ...]) -> ProfiledLaunch:
    metrics: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in asked:
        value = _number(row.get(name))
        if value is not None and math.isfinite(value):
            metrics[name] = value
        else:
            missing[name] = _why(row.get(name))
    return ProfiledLaunch(
        kernel=row["Kernel Name"],
        grid=_triple(row["Grid Size"]),
        block=_triple(row["Block Size"]),
        metrics=metrics,
        missing=missing,
    )


def _why(raw: str | None) -> str:
    if raw is None:
        return "this ncu does not know the metric on this card"
    return f"ncu returned '{raw}'" if raw.strip() else "ncu returned nothing"


def _number(raw: str | None) -> float | None:
    try:
        return float((raw or "").replace(",", ""))
    except ValueError:
        return None


def _triple(raw: str) -> tuple[int, int, int]:
    x, y, z = (int(part.replace(",", "")) for part in re.findall(r"[\d,]*\d", raw.replace(", ", " ")))
    return x, y, z


def shares(launches: list[ProfiledLaunch], duration: str) -> list[float | None]:
    """Each launch's share of all launches' durations; None where durations are missing."""
    times = [launch.metrics.get(duration) for launch in launches]
    total = sum(time for time in times if time is not None)
    return [time / total if time is not None and total > 0 else None for time in times]
