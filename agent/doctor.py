"""What this machine can do: each part looked at for real, with the command that mends what is missing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from kernelwright.evaluator.devices import Card, detect_card
from kernelwright.evaluator.ncu import NcuFacts, find_ncu
from kernelwright.evaluator.sandbox import bubblewrap_problem
from pydantic import BaseModel, ConfigDict


class Check(BaseModel):
    """One part."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    ok: bool
    found: str
    """What is there, or what is not."""
    needed: str
    """What cannot be done without it."""
    mend: str | None = None
    """The command that mends it; None when nothing is to mend."""
    vital: bool = False
    """Whether nothing at all works without it."""


class Report(BaseModel):
    """All parts, and what a campaign would choose."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    checks: list[Check]
    choices: list[str]
    """What ``run`` would choose, in its own words."""

    @property
    def works(self) -> bool:
        """Whether at least an offline campaign can run."""
        return all(check.ok for check in self.checks if check.vital)


def examine(env: Mapping[str, str] = os.environ) -> Report:
    """Look at everything; starts a trial of the sandbox and ``ncu --version``, and imports neither torch nor Triton."""
    card = detect_card()
    checks = [
        python_check(sys.version_info[:2]),
        package_check("torch", "2.11"),
        package_check("triton", "3.6"),
        card_check(card),
        *([cuda_build_check(torch_cuda())] if card else []),
        compiler_check(card is not None),
        ncu_check(find_ncu()),
        sandbox_check(bubblewrap_problem()),
        key_check(env),
    ]
    return Report(checks=checks, choices=choices(env))


def choices(env: Mapping[str, str]) -> list[str]:
    """Device, target and provider as ``run`` would choose them without options."""
    from .cli.planning import choose_place
    from .providers.choose import choose

    provider, why = choose("auto", model=None, base_url=None, env=env)
    return [*choose_place(None, None).lines, f"provider: {provider}. {why}"]


def python_check(found: tuple[int, int]) -> Check:
    """3.11 or newer."""
    ok = found >= (3, 11)
    mend = None if ok else "apt-get install python3.12 python3.12-venv, then make env PYTHON=python3.12"
    return Check(
        name="Python", ok=ok, found=platform.python_version(), needed="everything", mend=mend, vital=True
    )


def package_check(package: str, least: str) -> Check:
    """Installed, and not older than that."""
    try:
        found = version(package)
    except PackageNotFoundError:
        found = None
    ok = found is not None and _numbers(found) >= _numbers(least)
    return Check(
        name=package,
        ok=ok,
        found=found or "not installed",
        needed="everything",
        mend=None if ok else f"pip install '{package}>={least}'",
        vital=True,
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0])[:2])


def card_check(card: Card | None) -> Check:
    """A CUDA card that NVML sees."""
    if card is None:
        found = "no CUDA card"
        mend = "install the NVIDIA driver on a machine with a card; without one everything is estimated"
        return Check(name="GPU", ok=False, found=found, needed="measuring", mend=mend)
    found = f"{card.name}, compute capability {card.compute_capability}, {card.memory_gb:g} GB, driver {card.driver}"
    return Check(name="GPU", ok=True, found=found, needed="measuring")


def torch_cuda() -> str | None:
    """The CUDA version that torch was built for, read without importing it; None for a build without."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    hit = re.search(r"^cuda[^=\n]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return hit.group(1) if hit else None


def cuda_build_check(cuda: str | None) -> Check:
    """A torch that can use the card that is there."""
    mend = None if cuda else "pip install --force-reinstall torch, from the index for your CUDA version"
    found = f"CUDA {cuda}" if cuda else "this torch was built without CUDA"
    return Check(name="torch for CUDA", ok=cuda is not None, found=found, needed="measuring", mend=mend)


def compiler_check(card: bool) -> Check:
    """A C compiler: Triton builds each kernel's launcher with it on a card."""
    path = next(
        (found for found in map(shutil.which, (os.environ.get("CC") or "cc", "gcc", "clang")) if found), None
    )
    needed = "measuring: Triton builds its launchers with it" if card else "measuring on a card"
    mend = None if path else "apt-get install gcc"
    return Check(name="C compiler", ok=path is not None, found=path or "none found", needed=needed, mend=mend)


def ncu_check(ncu: NcuFacts) -> Check:
    """Nsight Compute, and whether it may read the counters."""
    ok = ncu.path is not None and ncu.permission != "no"
    permission = {"yes": "may read counters", "no": "may not read counters"}.get(
        ncu.permission, "permission unknown"
    )
    found = f"{ncu.version or 'unknown version'}, {permission}, {ncu.path}" if ncu.path else "not installed"
    return Check(name="Nsight Compute", ok=ok, found=found, needed="profiles on a card", mend=ncu.remedy)


def sandbox_check(problem: str | None) -> Check:
    """bubblewrap, really started once."""
    mend = None
    if problem is not None:
        mend = (
            "apt-get install bubblewrap"
            if "not installed" in problem
            else "allow unprivileged user namespaces"
        )
    needed = "confining candidates; without it they run as plain processes"
    return Check(
        name="sandbox", ok=problem is None, found=problem or "bubblewrap starts", needed=needed, mend=mend
    )


def key_check(env: Mapping[str, str]) -> Check:
    """A key or a base URL; the key's value is never looked at."""
    key, url = bool(env.get("OPENAI_API_KEY", "").strip()), env.get("OPENAI_BASE_URL", "").strip()
    parts = ["OPENAI_API_KEY is set"] if key else []
    parts += ["OPENAI_BASE_URL is set"] if url else []
    mend = None if key or url else "export OPENAI_API_KEY=…, or --base-url for a server of your own"
    found = ", ".join(parts) or "neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"
    return Check(name="model", ok=key or bool(url), found=found, needed="replies from a model", mend=mend)
