"""What an attempt left behind, one artefact at a time, or a sentence that says why it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import UsageProblem

if TYPE_CHECKING:
    from ..record import Attempt
    from ..store import Store


def attempt_of(store: Store, prefix: str) -> Attempt:
    """The attempt that a prefix means."""
    if "@" in prefix:
        raise UsageProblem(f"'{prefix}' is an answer to an attempt: `kernelwright ask {prefix}` shows it")
    return store.attempt(store.attempt_id(prefix))


def parent_of(store: Store, attempt: Attempt) -> Attempt:
    """The attempt whose kernel was shown to it."""
    if attempt.parent is None:
        # A first kernel that mends another is best compared with that one.
        pair = f"{attempt.mends} {attempt.id}" if attempt.mends else f"{attempt.id} ATTEMPT"
        origin = " and was made from the PyTorch reference alone" if attempt.stage else ""
        raise UsageProblem(
            f"attempt {attempt.id} has no parent{origin}: `kernelwright diff {pair}` compares it with another"
        )
    return attempt_of(store, attempt.parent)


def patch(store: Store, before: Attempt, after: Attempt) -> str:
    """A unified diff of two attempts' kernels."""
    from ..views.compare import code_diff

    old, new = (text_of(store, side, side.kernel_sha, "kernel") for side in (before, after))
    return code_diff(old, new, f"{before.id}.py", f"{after.id}.py")


def text_of(store: Store, attempt: Attempt, sha: str | None, what: str) -> str:
    """A stored text of the attempt, by its hash and by what it is called."""
    if sha is None:
        raise _lacks(attempt, what)
    return store.text(sha)


def _lacks(attempt: Attempt, what: str) -> UsageProblem:
    """The sentence for what is not there, with the attempt's kind if its kernel was not asked for, else its state."""
    from ..views.lineage import state

    word = attempt.kind.value if attempt.kernel_sha and not attempt.prompt_sha else state(attempt)
    return UsageProblem(f"attempt {attempt.id} has no {what} ({word}): `kernelwright show {attempt.id}`")


def reply_of(attempt: Attempt) -> str:
    """The reply as it came."""
    if attempt.reply is None:
        raise _lacks(attempt, "reply")
    return attempt.reply.text


def brief_of(attempt: Attempt) -> dict[str, Any]:
    """What the prompt was filled from."""
    if attempt.brief is None:
        raise _lacks(attempt, "brief")
    return attempt.brief.model_dump(mode="json", by_alias=True)


def samples_of(attempt: Attempt) -> dict[str, Any]:
    """Times in ms: of each pair of fresh processes the kernel's and the baseline's, and what follows from them."""
    from ..views.timing import spread

    timing = attempt.evaluation.timing if attempt.evaluation else None
    if timing is None:
        raise UsageProblem(
            f"attempt {attempt.id} was not timed: `kernelwright show {attempt.id}` says how far it came"
        )
    return {**timing.model_dump(mode="json"), "median_ms_ci95": spread(timing)}


def metrics_of(attempt: Attempt) -> dict[str, dict[str, float | bool]]:
    """Kernel → metric → value; estimates say so in each kernel, since the format has no other place for it."""
    if attempt.evaluation is None:
        raise UsageProblem(f"attempt {attempt.id} was not judged and has no metrics")
    mark = {"estimated": True} if attempt.evaluation.provenance == "estimated" else {}
    rows: dict[str, dict[str, float | bool]] = {}
    for kernel in attempt.evaluation.kernels:
        places = {"duration_ms": kernel.duration_ms, "time_share": kernel.time_share}
        rows[kernel.name] = {**mark, **{k: v for k, v in places.items() if v is not None}, **kernel.metrics}
    return rows
