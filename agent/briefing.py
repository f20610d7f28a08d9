"""From the record to the next brief: which template, whose code and metrics, what to tell. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kernelwright.evaluator.evaluation import Evaluation, KernelProfile, Status
from kernelwright.evaluator.gpus import Gpu, gpu_by_title, gpus
from kernelwright.evaluator.protocol import TaskFacts
from kernelwright.reference_kernels.task import Task, TaskError
from kernelwright.stages import Stage

from .brief import Brief, BriefKernel, Distance, Mend, Profile, Workload
from .history import Text, broken_promises, tried, without_campaign
from .record import Attempt, ExtractionFailure, Record

REPLY_CHARACTERS_MAX = 20_000
"""A longer reply without a kernel is not repeated to the model: it would cost more than it teaches."""

FAMILIES: Mapping[str, str] = {
    "nominal": "as `get_inputs` draws them",
    "small": "scaled by 0.01",
    "large": "scaled by 8",
    "sparse": "mostly zeros with outliers",
    "shifted": "mean shifted by one spread",
    "signed": "every other value with the other sign",
    "shifted_10": "mean shifted by 10 spreads",
    "shifted_1000": "mean shifted by 1000 spreads",
    "huge": "scaled by 1000",
    "denormal": "denormal values",
    "infinite": "infinities where the reference has an answer",
}
"""Families of inputs in words."""


def make_brief(
    record: Record,
    text: Text,
    stage: Stage,
    parent: Attempt | None,
    failed: Attempt | None,
    gpu: Gpu,
    workload: Workload,
    eager_ms: float | None = None,
) -> Brief:
    """All that the next prompt is filled from.

    ``parent`` is the attempt whose kernel is shown, with that kernel's own profile; without one the model
    starts from the PyTorch reference. ``failed`` is an attempt to mend. ``text`` gives the source of a
    kernel by its SHA-256. Raises ValueError for a parent without a kernel.
    """
    if parent and not parent.kernel_sha:
        raise ValueError(f"attempt {parent.id} has no kernel and cannot be a parent")
    evaluation = parent.evaluation if parent else None
    return Brief(
        template=_template(parent, failed),
        target=gpu,
        stage=stage,
        code=text(parent.kernel_sha) if parent and parent.kernel_sha else None,
        code_passed=evaluation.status is Status.PASSED if evaluation else None,
        profile=make_profile(evaluation, stage, gpu) if evaluation else None,
        workload=workload,
        distance=make_distance(evaluation, eager_ms) if evaluation else None,
        tried=tried(record, text, stage.name, besides=failed.id if failed else None),
        broken_promises=broken_promises(record, stage.name),
        mend=make_mend(failed, text) if failed else None,
        notes=_weak_families(evaluation) if evaluation else [],
    )


def _template(parent: Attempt | None, failed: Attempt | None) -> str:
    if failed:
        return "repair"
    return "optimise" if parent else "first_kernel"


def shown_metrics(stage: Stage, kernel: KernelProfile) -> BriefKernel:
    """One kernel with the stage's metrics in the stage's order; those that are absent named with a reason."""
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in (metric.name for metric in stage.metrics):
        value = kernel.metrics.get(name)
        if value is not None and math.isfinite(value):
            values[name] = value
        else:
            missing[name] = kernel.missing.get(name, _why_absent(value))
    return BriefKernel(
        name=kernel.name,
        duration_ms=kernel.duration_ms,
        time_share=kernel.time_share,
        metrics=values,
        missing=missing,
        grid=kernel.grid,
        launches=kernel.launches,
        config=kernel.config,
    )


def _why_absent(value: float | None) -> str:
    return "not in this profile" if value is None else "the profiler reported no number"


def make_profile(evaluation: Evaluation, stage: Stage, gpu: Gpu) -> Profile | None:
    """The kernel's profile as this stage shows it; None when the evaluation saw no kernels."""
    if not evaluation.kernels:
        return None
    card = _card(evaluation)
    on_target = card is not None and card.name == gpu.name
    return Profile(
        device=evaluation.device,
        provenance=evaluation.provenance,
        kernels=[shown_metrics(stage, kernel) for kernel in evaluation.kernels],
        on_target=on_target,
        card=None if on_target else card,
    )


def _card(evaluation: Evaluation) -> Gpu | None:
    """The card that the figures are about: where they were measured, or for which they were estimated."""
    if evaluation.provenance == "measured":
        return gpu_by_title(evaluation.device)
    return gpus().get(evaluation.target)


def profile_from_metrics(metrics: Mapping[str, Mapping[str, float]], stage: Stage, gpu: Gpu) -> Profile:
    """A profile from bare numbers, kernel name → metric → value, said to be measured on the target."""
    kernels = [
        BriefKernel(
            name=name, duration_ms=None, time_share=None, metrics=shown.metrics, missing=shown.missing
        )
        for name, values in metrics.items()
        for shown in [shown_metrics(stage, _bare(name, values))]
    ]
    return Profile(device=gpu.title, provenance="measured", kernels=kernels)


def _bare(name: str, values: Mapping[str, float]) -> KernelProfile:
    return KernelProfile(name=name, grid=(1, 1, 1), launches=1, time_share=None, metrics=dict(values))


def make_distance(evaluation: Evaluation, eager_ms: float | None) -> Distance | None:
    """Time against the floor of the card it is for: the device's when measured, the target's otherwise."""
    floor, measured = evaluation.floor_ms, evaluation.provenance == "measured"
    floor_ms = floor and (floor.device if measured else floor.target)
    if evaluation.ms is None or not floor_ms:
        return None
    card = _card(evaluation)
    return Distance(
        ms=evaluation.ms,
        provenance=evaluation.provenance,
        floor_ms=floor_ms,
        floor_of=card.title if card else evaluation.device,
        eager_ms=eager_ms,
    )


def make_mend(failed: Attempt, text: Text) -> Mend:
    """What the model needs to know of the attempt that it is to repair."""
    code = text(failed.kernel_sha) if failed.kernel_sha else None
    if failed.failure:
        status, reason = str(failed.failure.kind), failed.failure.reason
        return Mend(code=code, status=status, reason=reason, reply=_useful_reply(failed))
    evaluation = failed.evaluation
    if evaluation is None:
        raise ValueError(f"attempt {failed.id} has neither failed nor been evaluated: nothing to mend")
    reason = evaluation.reason or (failed.decision.reason if failed.decision else "no reason is recorded")
    reason = without_campaign(reason, failed)
    return Mend(code=code, status=str(evaluation.status), reason=reason, details=_family_lines(evaluation))


def _useful_reply(failed: Attempt) -> str | None:
    kind = failed.failure.kind if failed.failure else None
    seen = {
        ExtractionFailure.SYNTAX_ERROR,
        ExtractionFailure.NO_MODEL_NEW,
        ExtractionFailure.NO_TRITON_KERNEL,
    }
    if failed.reply is None or failed.kernel_sha or kind not in seen:
        return None
    return failed.reply.text if len(failed.reply.text) <= REPLY_CHARACTERS_MAX else None


def _family_lines(evaluation: Evaluation) -> list[str]:
    families = evaluation.correctness.families if evaluation.correctness else {}
    return [
        f"inputs {FAMILIES.get(name, name)}: {'passed' if result.passed else 'failed'}, largest error "
        f"{'NaN or infinite' if result.error is None else f'{result.error:.3g}'} of the reference's RMS, "
        f"allowed {result.budget:.3g}"
        for name, result in families.items()
        if result.required or not result.passed
    ]


def _weak_families(evaluation: Evaluation) -> list[str]:
    families = evaluation.correctness.families if evaluation.correctness else {}
    return [
        f"Outside the error budget on inputs that do not decide the status: {FAMILIES.get(name, name)}."
        for name, result in families.items()
        if not result.passed and not result.required
    ]


def make_workload(task: Task, facts: TaskFacts) -> Workload:
    """What the kernel is timed on and how it is judged, in words; reads the task's ``reference.py``."""
    try:
        reference = task.reference.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise TaskError(f"cannot read '{task.reference}': {problem}") from None
    return Workload(
        title=task.title,
        reference=reference,
        inputs=facts.inputs,
        parameters=facts.parameters,
        outputs=facts.outputs,
        tolerance=tolerance_in_words(task, facts.dtype),
    )


def tolerance_in_words(task: Task, dtype: str) -> str:
    """What counts as correct, and on which families of inputs; ``dtype`` is the main output's."""
    required = "; ".join(FAMILIES.get(name, name) for name in task.required)
    stress = "; ".join(FAMILIES.get(name, name) for name in task.stress)
    factor, floor = task.tolerance.eager_factor, task.tolerance.floor(dtype)
    rule = (
        f"compared with an fp64 reference on fresh random inputs and parameters, the largest absolute error "
        f"may be at most the largest of {factor:g} times the error of PyTorch's own {dtype} result, "
        f"{floor:g} of the reference's RMS, and a few units in the last place of the largest output. "
        f"The norm of the error relative to the reference's has a budget of its own, the larger of "
        f"{factor:g} times PyTorch's own and {floor / 2:g}. "
        f"Required are inputs: {required}."
    )
    extra = (
        f" Also tried, without deciding the status: {stress}. "
        f"A kernel that fails any of those which the best one so far passes is not kept."
    )
    return rule + (extra if stress else "")
