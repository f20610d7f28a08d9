"""``tasks``, ``stages``, ``gpus``, ``doctor``: what there is to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .errors import FAILED, LACKING
from .opening import task_path
from .options import AsJson
from .output import show, show_json

if TYPE_CHECKING:
    from kernelwright.evaluator.protocol import Proof


def tasks(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK",
            help="Only this one: a bundled task, a task folder or a KernelBench .py file.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Try whether each task refuses answers that are none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the bundled tasks, or check that they prove something.

    Zeros, a constant, a copy of an input, initial parameters and a narrower dtype must all be refused. A task
    that lets such an answer pass, or that cannot be checked here, is not proven: exit code 1.

    \b
    Examples:
      kernelwright tasks
      kernelwright tasks --check my_task
    """
    from kernelwright.reference_kernels import bundled, load_task

    from ..views.catalogue import tasks as view

    names = [name] if name else list(bundled())
    found = [load_task(each) for each in names]
    if check:
        _check([task_path(*pair) for pair in zip(names, found, strict=True)], as_json)
    elif as_json:
        show_json([{**task.model_dump(mode="json"), "has_seed": task.seed is not None} for task in found])
    else:
        show(view(found))


def _check(paths: list[str], as_json: bool) -> None:
    from ..views.proving import proof as view

    proofs = _proofs(paths)
    if as_json:
        show_json([proof.model_dump(mode="json") for proof in proofs])
    else:
        show(*(view(proof) for proof in proofs))
    if not all(proof.proven for proof in proofs):
        raise typer.Exit(FAILED)


def _proofs(paths: list[str]) -> list[Proof]:
    """Made in the judge's process: on a card where there is one."""
    from kernelwright.evaluator.client import open_evaluator
    from kernelwright.evaluator.devices import detect_card

    from ..views.text import one_line, plural
    from .output import stderr

    card, console = detect_card(), stderr()
    where = f"timed shapes on {card.name}" if card else "small shapes on the CPU, since no GPU was found"
    console.print(f"checking {plural(len(paths), 'task')} at {one_line(where)}", soft_wrap=True)
    with (
        console.status("starting the evaluator") as status,
        open_evaluator("cuda" if card else "offline") as judge,
    ):
        return [judge.prove(path, lambda phase: status.update(one_line(phase, 60))) for path in paths]


def stages(as_json: AsJson = False) -> None:
    """List the stages, those of the plan in its order.

    \b
    Example:
      kernelwright stages
    """
    from kernelwright.stages import PLAN
    from kernelwright.stages import stages as all_stages

    from ..views.catalogue import stages as view

    found = list(all_stages().values())
    if as_json:
        show_json([{**stage.model_dump(mode="json"), "in_plan": stage.name in PLAN} for stage in found])
    else:
        show(view(found, PLAN))


def gpus(as_json: AsJson = False) -> None:
    """List the cards that a kernel can be made for.

    \b
    Example:
      kernelwright gpus
    """
    from kernelwright.evaluator.gpus import gpus as all_gpus

    from ..views.catalogue import gpus as view

    found = list(all_gpus().values())
    if as_json:
        show_json([card.model_dump(mode="json") for card in found])
    else:
        show(view(found))


def doctor(as_json: AsJson = False) -> None:
    """Tell what this machine can do, and which command mends what is missing.

    \b
    Example:
      kernelwright doctor
    """
    from ..doctor import examine
    from ..views.checks import checks, checks_json

    report = examine()
    if as_json:
        show_json(checks_json(report))
    else:
        show(checks(report))
    if not report.works:
        raise typer.Exit(LACKING)
