"""The product: a kernel's source with, in its header, how it was verified."""

from __future__ import annotations

from kernelwright.evaluator.evaluation import Timing

from ..record import Attempt, Record
from .head_to_head import final, sentences
from .lineage import names, provisional
from .place import UNSEEN
from .text import PYTORCH, baseline, estimate, interval, milliseconds, one_line, times

INTERPRETED = " in Triton's interpreter at small shapes"
"""How far the check of correctness goes without a card."""


def with_header(record: Record, attempt: Attempt, source: str, option: str = "") -> str:
    """The source below a comment that says what was verified, where, and what was not."""
    lines = [f"# {one_line(line)}" for line in header(record, attempt, option)]
    return "\n".join([*lines, "", source])


def header(record: Record, attempt: Attempt, option: str = "") -> list[str]:
    """The comment's lines: task, verdict, time, kernel hash, versions; ``option`` goes with the command."""
    campaign, evaluation = record.campaign, attempt.evaluation
    lines = [
        f"Kernel for the task {campaign.settings.task}, target {campaign.settings.target},"
        f" from kernelwright attempt {attempt.id}.",
        *_verified(record, attempt, option),
        f"SHA-256 of the source below this header and its empty line: {attempt.kernel_sha}",
    ]
    versions = evaluation.environment if evaluation else {}
    if versions:
        lines.append("Versions: " + ", ".join(f"{name} {value}" for name, value in versions.items()))
    return lines


def _verified(record: Record, attempt: Attempt, option: str) -> list[str]:
    campaign, evaluation = record.campaign, attempt.evaluation
    if evaluation is None:
        return ["Not verified."]
    lines = [
        f"Status: {evaluation.status.value}" + (f" ({evaluation.reason})" if evaluation.reason else "") + "."
    ]
    if evaluation.timing:
        timing = evaluation.timing
        lines.append(
            f"Measured on {evaluation.device}: {milliseconds(timing.median_ms)},"
            f" {times(timing.speedup)} over {_compared_with(timing, record)}"
            f" (95 % interval {interval(*timing.speedup_ci95)}, {timing.pairs} pairs of fresh processes)."
        )
        if final(record, attempt):
            lines.append("Head to head at the end: " + "; ".join(sentences(record)) + ".")
    elif evaluation.estimate:
        lines.append(f"Estimated, not measured: {estimate(evaluation.estimate)} on the {evaluation.target}.")
    if campaign.is_imported(attempt):
        lines.append(
            f"All of this is as an imported file tells it, {UNSEEN}: `kernelwright evaluate` judges it."
        )
    if campaign.settings.verdicts_of:
        lines.append(
            f"The verdict is that of campaign {campaign.settings.verdicts_of}, taken from its record."
        )
    elif provisional(attempt):
        lines.append(
            f"Provisional: no card has run it. `kernelwright resume {campaign.id} --device cuda{option}` measures"
            " and decides."
        )
    if evaluation.correctness:
        passed = [name for name, family in evaluation.correctness.families.items() if family.passed]
        failed = [name for name, family in evaluation.correctness.families.items() if not family.passed]
        where = INTERPRETED if evaluation.provenance == "estimated" else ""
        lines.append(f"Correct against fp64{where} on: {', '.join(passed) or 'nothing'}.")
        lines += [f"Outside its error budget on: {', '.join(failed)}."] if failed else []
    return lines + [f"Warning: {warning}" for warning in evaluation.warnings]


def _compared_with(timing: Timing, record: Record) -> str:
    named = baseline(timing, names(record))
    return f"PyTorch {named}" if named in PYTORCH else f"the kernel of {named}"
