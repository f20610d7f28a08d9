"""``evaluate``: one verdict on one file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import KernelFailed
from .opening import read_text
from .options import AsJson, Device, Target

if TYPE_CHECKING:
    from kernelwright.evaluator.evaluation import Evaluation
    from kernelwright.evaluator.protocol import Job

    from .planning import DeviceKind


def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A source with class ModelNew and Triton kernels.")
    ],
    task: Annotated[
        str, typer.Option("--task", metavar="TASK", help="A bundled task's name or a task folder.")
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
    """Judge one kernel: is it correct, and how fast is it. Exit code 1 when it failed.

    \b
    Examples:
      kernelwright evaluate kernel.py --task layer_norm
      kernelwright evaluate kernel.py --task layer_norm --against seed.py --profile --json
    """
    from kernelwright.evaluator.protocol import Job
    from kernelwright.reference_kernels import bundled, load_task
    from rich.text import Text

    from .output import show_json, stderr
    from .planning import choose_place

    source = read_text(file, "kernel")
    other = read_text(against, "kernel") if against else None
    found = load_task(task)
    place = choose_place(device, target)
    for line in place.lines:
        stderr().print(Text(line), soft_wrap=True)
    name = task if task in bundled() else str(found.folder)
    job = Job(task=name, source=source, target=place.target, against=other, profile=profile)
    evaluation = refused(job, found.name, place.device) or judge(job, place.device)
    if as_json:
        show_json(evaluation.model_dump(mode="json", by_alias=True))
    else:
        _show(evaluation)
    if evaluation.status not in ("passed", "unchecked"):
        raise KernelFailed(f"'{file}' failed: {evaluation.status.value}")


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
        environment=_versions() | ({"driver": card.driver, "gpu": card.name} if card else {}),
    )


def _versions() -> dict[str, str]:
    """As the evaluator gives them, without importing what takes seconds."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("torch", "triton"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def judge(job: Job, device: DeviceKind) -> Evaluation:
    """Open the evaluator, judge with a live phase on stderr, close it."""
    from kernelwright.evaluator.client import open_evaluator

    from ..views.text import one_line
    from .output import stderr

    evaluator = open_evaluator(device)
    console = stderr()
    try:
        with console.status("starting the evaluator") as status:
            evaluator.open(job.task, job.target)
            return evaluator.evaluate(job, lambda phase: status.update(one_line(phase, 60)))
    finally:
        with suppress(OSError):  # the pipe to an evaluator that died must not hide that it died
            evaluator.close()


def _show(evaluation: Evaluation) -> None:
    from ..views.text import seconds
    from ..views.verdict import verdict
    from .output import show

    show(verdict(evaluation))
    if evaluation.seconds:
        show("took " + ", ".join(f"{phase} {seconds(value)}" for phase, value in evaluation.seconds.items()))
