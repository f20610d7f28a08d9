"""Every exception that may leave a command: its exit code, and its one sentence on stderr."""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback
from importlib import import_module

FINE = 0
FAILED = 1
"""The kernel did not pass."""
USAGE = 2
LACKING = 3
"""The environment lacks something; the sentence says what mends it."""
WAITING = 4
"""A person has to supply a reply."""
PAUSED = 5
"""Something outside the campaign stopped it; the sentence says how to go on."""
INTERRUPTED = 130

STORE_ERROR = "kernelwright.agent.store.errors.StoreError"
DEBUG = "KERNELWRIGHT_DEBUG"


class UsageProblem(Exception):
    """What was asked for does not exist or cannot be read; the message says what can be done."""


class KernelFailed(Exception):
    """The campaign or the check ended without a kernel that passed."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM, at a point from which a campaign goes on."""


CODES: dict[str, int] = {
    # The first class in an exception's ancestry that is named here decides.
    "kernelwright.agent.cli.errors.UsageProblem": USAGE,
    "kernelwright.agent.cli.errors.KernelFailed": FAILED,
    "kernelwright.agent.cli.errors.Interrupted": INTERRUPTED,
    "kernelwright.agent.config.ConfigError": USAGE,
    "kernelwright.agent.store.errors.CampaignHeld": PAUSED,
    STORE_ERROR: USAGE,
    "kernelwright.agent.campaigner.CampaignPaused": PAUSED,
    "kernelwright.agent.providers.base.WaitingForReply": WAITING,
    "kernelwright.agent.providers.base.ProviderPaused": PAUSED,
    "kernelwright.agent.providers.base.ProviderMisconfigured": LACKING,
    "kernelwright.agent.providers.base.ReplayMiss": FAILED,
    "kernelwright.agent.providers.base.ProviderError": LACKING,
    "kernelwright.agent.providers.choose.UnknownProvider": USAGE,
    "kernelwright.agent.portable.format.PortableError": USAGE,
    "kernelwright.prompts.rendering.PromptError": USAGE,
    "kernelwright.evaluator.gpus.UnknownGpu": USAGE,
    "kernelwright.evaluator.protocol.EnvironmentLacks": LACKING,
    "kernelwright.evaluator.protocol.GpuUnhealthy": PAUSED,
    "kernelwright.reference_kernels.task.TaskError": USAGE,
    "kernelwright.stages.stage.UnknownStage": USAGE,
    "builtins.FileNotFoundError": USAGE,
    "builtins.IsADirectoryError": USAGE,
    "builtins.PermissionError": USAGE,
    "builtins.OSError": LACKING,
    "builtins.ModuleNotFoundError": LACKING,
    "builtins.KeyboardInterrupt": INTERRUPTED,
}
"""Exit code by class, by name so that no command pays for importing them all."""


def code(problem: BaseException) -> int:
    """The exit code that the table gives; 1 for what it does not know."""
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(problem).__mro__]
    if STORE_ERROR in names and isinstance(problem.__cause__, sqlite3.OperationalError | OSError):
        return LACKING  # a full or read-only disk: the request was right, the disk is not
    return next((CODES[name] for name in names if name in CODES), FAILED)


def sentence(problem: BaseException) -> str:
    """What stands on stderr."""
    if isinstance(problem, KeyboardInterrupt):
        return str(problem) or "interrupted"
    if isinstance(problem, ModuleNotFoundError):
        return (
            f"the Python package '{problem.name}' is missing: pip install kernelwright installs all it needs"
        )
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    text = str(problem).strip()
    if known(problem):
        return text or type(problem).__name__
    return f"unexpected {type(problem).__name__}: {' '.join(text.split())} (set {DEBUG}=1 for details)"


def known(problem: BaseException) -> bool:
    """Whether the table names the exception or an ancestor of it."""
    return any(f"{kind.__module__}.{kind.__qualname__}" in CODES for kind in type(problem).__mro__)


def report(problem: BaseException) -> int:
    """Say it on stderr and return the exit code; the traceback only under KERNELWRIGHT_DEBUG=1."""
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(problem)
    from ..views.text import plain

    print(f"kernelwright: {plain(sentence(problem))}", file=sys.stderr)
    return code(problem)


def with_hint(problem: Exception, hint: str) -> Exception:
    """The same stop with the command that goes on in its sentence; the problem itself when it is no such stop."""
    resumable = code(problem) in (LACKING, WAITING, PAUSED) and known(problem)
    if not resumable or "kernelwright resume" in str(problem):
        return problem
    if getattr(problem, "interrupted", False):
        return Interrupted(f"interrupted, everything up to here is stored: {hint}")
    return type(problem)(f"{sentence(problem).rstrip('.')}; {hint}")


def missing_names() -> list[str]:
    """Names in the table that no longer exist, for the test that keeps it honest."""
    gone = []
    for name in CODES:
        module, _, attribute = name.rpartition(".")
        if not hasattr(import_module(module), attribute):
            gone.append(name)
    return gone
