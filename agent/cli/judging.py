"""``evaluate``: one verdict on one file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import KernelFailed, UsageProblem
from .opening import read_text, task_path
from .options import AsJson, Device, Target

if TYPE_CHECKING:
    from kernelwright.evaluator.evaluation import Estimate, Evaluation
    from kernelwright.evaluator.protocol import DeviceKind, Evaluator, Job, Progress


def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A source with class ModelNew and Triton kernels.")
    ],
    task: Annotated[
        str,
        typer.Option(
            "--task", metavar="TASK", help="A bundled task, a task folder or a KernelBench .py file."
        ),
    ],
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Time it against this kernel, not PyTorch eager."),
    ] = None,
    target: Target = None,
    device: Device = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Run Nsight Compute over it when it passed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Judge one kernel: is it correct, and how fast is it. Exit code 0 only when it passed.

    A kernel that is unchecked, as offline one may be, has not passed: exit code 1.

    \b
    Examples:
      kernelwright evaluate kernel.py --task layer_norm
      kernelwright evaluate kernel.py --task layer_norm --against seed.py --profile --json
    """
    from kernelwright.evaluator.protocol import Job
    from kernelwright.reference_kernels import load_task
    from rich.text import Text

    from .output import show_json, stderr
    from .planning import choose_place

    source = read_text(file, "kernel")
    other = _baseline(against) if against else None
    found = load_task(task)
    place = choose_place(device, target)
    for line in place.lines:
        stderr().print(Text(line), soft_wrap=True)
    job = Job(task=task_path(task, found), source=source, target=place.target, against=other, profile=profile)
    evaluation = refused(job, found.name, place.device) or judge(job, place.device, str(against))
    if as_json:
        show_json(evaluation.model_dump(mode="json", by_alias=True))
    else:
        _show(evaluation)
    if evaluation.status != "passed":
        word = "is" if evaluation.status == "unchecked" else "failed:"
        raise KernelFailed(f"'{file}' {word} {evaluation.status.value}")


def _baseline(file: Path) -> str:
    """The kernel to compare with; one that is no kernel is refused before anything is judged."""
    from kernelwright.evaluator.source import check_source

    source = read_text(file, "baseline kernel")
    problem = check_source(source)
    if problem is not None:
        raise UsageProblem(f"baseline kernel '{file}' is no kernel: {problem.reason}")
    return source


def refused(job: Job, task: str, device: DeviceKind) -> Evaluation | None:
    """The verdict on a text that is no kernel, which needs no evaluator; None for a kernel.

    It has no floor, since that takes the task's reference.
    """
    from kernelwright.evaluator import sandbox
    from kernelwright.evaluator.devices import detect_card
    from kernelwright.evaluator.evaluation import Evaluation, Status
    from kernelwright.evaluator.phases import sha256_of
    from kernelwright.evaluator.source import check_source

    problem = check_source(job.source)
    if problem is None:
        return None
    card, confined = detect_card() if device == "cuda" else None, sandbox.level()
    return Evaluation(
        task=task,
        kernel=sha256_of(job.source),
        target=job.target,
        device=card.name if card else device,
        provenance="measured" if device == "cuda" else "estimated",
        sandbox=confined,
        status=Status.INVALID_SOURCE,
        reason=problem.reason,
        warnings=[sandbox.PROCESS_WARNING] if confined == "process" else [],
        environment=versions() | ({"driver": card.driver, "gpu": card.name} if card else {}),
    )


def versions() -> dict[str, str]:
    """As the evaluator gives them, without importing what takes seconds."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("torch", "triton"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def judge(job: Job, device: DeviceKind, baseline: str = "") -> Evaluation:
    """Open the evaluator, judge with a live phase on stderr, close it; `baseline` is what to call `against`.

    Raises `UsageProblem` for a baseline that has no time.
    """
    from kernelwright.evaluator.client import open_evaluator

    from ..views.text import one_line
    from .output import stderr

    evaluator = open_evaluator(device)
    console = stderr()
    try:
        with console.status("starting the evaluator") as status:
            evaluator.open(job.task, job.target)

            def say(phase: str) -> None:
                status.update(one_line(phase, 60))

            if device == "offline":
                return _estimated(evaluator, job, baseline, say)
            return evaluator.evaluate(job, say)
    finally:
        with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
            evaluator.close()


def _estimated(evaluator: Evaluator, job: Job, baseline: str, progress: Progress) -> Evaluation:
    """The verdict with what a judge without a card leaves out: the baseline's estimate, a word on the profile."""
    alone = job.model_copy(update={"against": None, "profile": False})
    other = None
    if job.against is not None:
        other = evaluator.evaluate(alone.model_copy(update={"source": job.against}), progress)
        if other.estimate is None:
            raise UsageProblem(
                f"baseline kernel '{baseline}' has no estimated time to compare with"
                f" ({other.status.value}): {other.reason or 'evaluate it alone to see why'}"
            )
    evaluation = evaluator.evaluate(alone, progress)
    warnings = [*evaluation.warnings]
    if other and other.estimate and evaluation.estimate:
        warnings.append(compared(evaluation.estimate, other.estimate, baseline))
    if job.profile:
        warnings.append("profiles need a card: --profile was left out")
    return evaluation.model_copy(update={"warnings": warnings})


def compared(kernel: Estimate, baseline: Estimate, name: str) -> str:
    """Two estimates and their ratio, in a sentence that claims nothing."""
    return (
        f"estimated {kernel.ms:.3g} ms against {baseline.ms:.3g} ms of '{name}', an estimated ratio of"
        f" {baseline.ms / kernel.ms:.2f}: an estimate proves no gain"
    )


def _show(evaluation: Evaluation) -> None:
    from ..views.text import seconds
    from ..views.verdict import verdict
    from .output import show

    show(verdict(evaluation))
    if evaluation.seconds:
        show("took " + ", ".join(f"{phase} {seconds(value)}" for phase, value in evaluation.seconds.items()))
