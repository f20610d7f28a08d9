"""Whether an attempt becomes the best, and why or why not."""

from __future__ import annotations

from kernelwright.evaluator.evaluation import Evaluation, Status, Timing
from kernelwright.evaluator.offline.estimate import clearly_lower
from kernelwright.evaluator.protocol import Session
from kernelwright.evaluator.statistics import Next, log_ratios, next_pair
from kernelwright.stages import Stage

from ..record import Attempt, AttemptKind, Decision, Settings
from .promises import broken_promises


def decide(
    attempt: Attempt,
    best: Attempt | None,
    stage: Stage | None,
    settings: Settings,
    session: Session,
    *,
    parent: Attempt | None = None,
) -> Decision:
    """Decide on an attempt that has a failure or an evaluation.

    ``best`` is the kernel to beat; None: whatever passes is the first best. ``parent`` is the kernel that
    the prompt showed, on which the stage's promises are checked; by default the best.
    """
    if attempt.failure is not None:
        return _kept_out(attempt.failure.reason)
    if attempt.evaluation is None:
        raise ValueError(f"attempt {attempt.id} has neither a failure nor an evaluation to decide on")
    verdict = _verdict(attempt, attempt.evaluation, best, settings, session)
    promises = _broken(stage, parent or best, attempt.evaluation)
    return verdict.model_copy(update={"broken_promises": promises})


def _verdict(
    attempt: Attempt,
    evaluation: Evaluation,
    best: Attempt | None,
    settings: Settings,
    session: Session,
) -> Decision:
    if evaluation.status not in (Status.PASSED, Status.UNCHECKED):
        return _kept_out(f"{evaluation.status.value}: {evaluation.reason}")
    if best is None or best.evaluation is None:
        return _first(attempt, evaluation)
    if evaluation.status is Status.UNCHECKED:
        return _kept_out(f"unchecked offline, a card must decide: {evaluation.reason}")
    weaker = _less_robust(best.evaluation, evaluation)
    if weaker:
        return _kept_out(f"less robust than {best.id}, which passes {', '.join(weaker)}")
    if evaluation.provenance == "estimated":
        return _by_estimate(evaluation, best)
    return _by_measurement(evaluation, best, settings.threshold, session)


def _first(attempt: Attempt, evaluation: Evaluation) -> Decision:
    provisional = evaluation.provenance == "estimated"
    if evaluation.status is Status.PASSED:
        return Decision(accepted=True, provisional=provisional, reason="passed, and is the first to do so")
    if attempt.kind is AttemptKind.SEED:
        return Decision(
            accepted=True,
            provisional=True,
            reason=f"the seed, taken as it is: unchecked offline, {evaluation.reason}",
        )
    return _kept_out(f"unchecked offline, a card must decide: {evaluation.reason}")


def _less_robust(best: Evaluation, child: Evaluation) -> list[str]:
    """Families of inputs that the best passes and the child fails."""
    if best.correctness is None or child.correctness is None:
        return []
    passes = {name for name, family in best.correctness.families.items() if family.passed}
    return [
        name for name, family in child.correctness.families.items() if name in passes and not family.passed
    ]


def _by_estimate(evaluation: Evaluation, best: Attempt) -> Decision:
    before = best.evaluation.estimate if best.evaluation else None
    after = evaluation.estimate
    if before is None or after is None:
        return _kept_out(f"there is no estimate to compare with {best.id}")
    values = f"an estimated {after.ms:.4g} ms against {before.ms:.4g} ms of {best.id}"
    if not clearly_lower(after, before):
        return _kept_out(f"{values}: not lower by more than the estimate's margin")
    return Decision(accepted=True, provisional=True, reason=f"{values}: lower by more than the margin")


def _by_measurement(evaluation: Evaluation, best: Attempt, threshold: float, session: Session) -> Decision:
    timing = evaluation.timing
    if timing is None:
        return _kept_out("passed, and was not timed")
    if timing.baseline != best.kernel_sha:
        return _kept_out(f"timed against {timing.baseline[:12]}, which is not the best kernel's {best.id}")
    needed = max(threshold, session.noise_floor or 0.0, timing.noise_floor or 0.0)
    low, high = timing.speedup_ci95
    values = f"{timing.speedup:.3f}× over {best.id} (95 % interval {low:.3f} to {high:.3f})"
    if not low > 1:
        return _kept_out(f"{values}: {_slower(timing)}")
    if not timing.speedup - 1 > needed:
        return _kept_out(f"{values}: a gain of no more than {needed:.1%} could be noise")
    if timing.samples and next_pair(log_ratios(timing.samples), needed) is not Next.FASTER:
        return _kept_out(f"{values}: {timing.pairs} pairs of processes do not make that sure enough")
    return Decision(accepted=True, reason=values)


def _slower(timing: Timing) -> str:
    return "slower" if timing.speedup_ci95[1] < 1 else "not faster with confidence"


def _broken(stage: Stage | None, parent: Attempt | None, child: Evaluation) -> list[str]:
    if stage is None or parent is None or parent.evaluation is None:
        return []
    return broken_promises(stage, parent.evaluation, child)


def _kept_out(reason: str) -> Decision:
    return Decision(accepted=False, reason=reason)
