"""``tasks``, ``stages``, ``gpus``, ``doctor``: what there is to work with."""

from __future__ import annotations

import typer

from .errors import LACKING
from .options import AsJson
from .output import show, show_json


def tasks(as_json: AsJson = False) -> None:
    """List the bundled tasks.

    \b
    Example:
      kernelwright tasks
    """
    from kernelwright.reference_kernels import bundled, load_task

    from ..views.catalogue import tasks as view

    found = [load_task(name) for name in bundled()]
    if as_json:
        show_json([{**task.model_dump(mode="json"), "has_seed": task.seed is not None} for task in found])
    else:
        show(view(found))


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
