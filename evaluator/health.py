"""Whether a card still answers, asked of a process that no candidate has come near."""

from __future__ import annotations

from .runners import Failure, WarmParent

_SECONDS = 30.0
_TRIES = 2


def check(parent: WarmParent) -> str | None:
    """Why the card no longer adds, after two fresh processes failed at it; None when it does.

    Raises `EnvironmentLacks` when no process can be started at all.
    """
    problem: str | None = None
    for _ in range(_TRIES):
        problem = _problem(parent)
        if problem is None:
            return None
    return problem


def _problem(parent: WarmParent) -> str | None:
    with parent.fork() as runner:
        folder = str(runner.folder)
        try:
            runner.ask("enter", _SECONDS, "starting CUDA", folder=folder, cache=folder, gpu=None)
            total = runner.ask("health", _SECONDS, "adding").get("sum")
        except Failure as failure:
            return failure.reason
    return None if total == 2048.0 else f"a sum of 2048 came out as {total}"
