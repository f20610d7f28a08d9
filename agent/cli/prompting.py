"""``prompt list`` and ``prompt render``: what a model would be asked, without asking it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import UsageProblem
from .opening import read_text
from .options import AsJson, Target

if TYPE_CHECKING:
    from kernelwright.evaluator.gpus import Gpu
    from kernelwright.prompts import Rendered
    from kernelwright.reference_kernels import Task
    from kernelwright.stages import Stage

    from ..brief import Brief, Profile

prompt = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Metrics = dict[str, dict[str, float]]
PLACES = ("duration_ms", "time_share")
"""Keys beside the metrics that say how much a kernel matters."""
ESTIMATED = "estimated"
"""Key beside the metrics that says, with true, that nothing was measured."""


@prompt.command("list")
def list_templates(as_json: AsJson = False) -> None:
    """List the prompt templates.

    \b
    Example:
      kernelwright prompt list
    """
    from kernelwright.prompts import templates

    from .output import show, show_json

    if as_json:
        show_json(templates())
    else:
        show(*templates())


@prompt.command()
def render(
    task: Annotated[
        str,
        typer.Option(
            "--task", metavar="TASK", help="A bundled task, a task folder or a KernelBench .py file."
        ),
    ],
    stage: Annotated[str, typer.Option("--stage", metavar="STAGE", help="`kernelwright stages` lists them.")],
    kernel: Annotated[
        Path | None,
        typer.Option("--kernel", metavar="FILE", help="The current code.  [default: the task's seed]"),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            "--metrics",
            metavar="FILE.json",
            help="Kernel name -> metric -> value, optionally duration_ms, time_share, estimated; as `show --metrics`.",
        ),
    ] = None,
    target: Target = None,
    as_json: AsJson = False,
) -> None:
    """Print the exact prompt for a stage, a kernel and its metrics; no GPU and no model are needed.

    \b
    Examples:
      kernelwright prompt render --task layer_norm --stage block_tiling
      kernelwright prompt render --task layer_norm --stage memory_access --kernel k.py --metrics m.json
    """
    from kernelwright.reference_kernels import load_task

    from .output import show_json, show_text
    from .planning import choose_place

    found = load_task(task)
    code = _kernel(kernel) if kernel else _seed(found, stage)
    numbers = read_metrics(metrics) if metrics else None
    if metrics and numbers:
        _belong_to(numbers, code, metrics)
    brief, rendered = bare_prompt(found, stage, choose_place("offline", target).target, code, numbers)
    if as_json:
        show_json({**vars(rendered), "brief": brief.data()})
    else:
        show_text(rendered.text)


def bare_prompt(
    task: Task, stage_name: str, target: str, code: str | None, metrics: Metrics | None = None
) -> tuple[Brief, Rendered]:
    """A prompt outside any campaign: no history, and metrics only where they are given."""
    from kernelwright.evaluator.gpus import gpu
    from kernelwright.evaluator.reference.facts import task_facts
    from kernelwright.prompts import render as render_template
    from kernelwright.stages import stage

    from ..brief import Brief
    from ..briefing import make_workload

    chosen, card = stage(stage_name), gpu(target)
    brief = Brief(
        template="first_kernel" if code is None else "optimise",
        target=card,
        stage=chosen,
        code=code,
        profile=profile_of(metrics, chosen, card) if metrics else None,
        workload=make_workload(task, task_facts(task)),
    )
    return brief, render_template(brief.template, brief.data())


def profile_of(metrics: Metrics, stage: Stage, card: Gpu) -> Profile:
    """The numbers as this stage shows them, each kernel with its duration and share where they are given."""
    from ..briefing import profile_from_metrics

    bare = {
        name: {k: v for k, v in row.items() if k not in (*PLACES, ESTIMATED)} for name, row in metrics.items()
    }
    profile = profile_from_metrics(bare, stage, card)
    kernels = [
        kernel.model_copy(update={key: metrics[kernel.name].get(key) for key in PLACES})
        for kernel in profile.kernels
    ]
    estimated = any(row.get(ESTIMATED) for row in metrics.values())
    provenance = {"provenance": "estimated", "device": "offline"} if estimated else {}
    return profile.model_copy(update={"kernels": kernels, **provenance})


def read_metrics(file: Path) -> Metrics:
    """Kernel name → metric → value; raises `UsageProblem` with what is wrong."""
    text = read_text(file, "metrics file")
    try:
        data = json.loads(text)
    except ValueError as problem:
        raise UsageProblem(f"metrics file '{file}' is not JSON: {problem}") from None
    if not isinstance(data, dict) or not data or not all(isinstance(row, dict) for row in data.values()):
        raise UsageProblem(f"metrics file '{file}' is no object of kernel name -> metric -> value")
    return {
        str(name): {key: _number(file, name, key, value) for key, value in row.items()}
        for name, row in data.items()
    }


def _number(file: Path, kernel: str, key: str, value: Any) -> float:
    if key == ESTIMATED and isinstance(value, bool):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageProblem(f"metrics file '{file}': {kernel}'s '{key}' is no number")
    wrong = _impossible(key, value)
    if wrong:
        raise UsageProblem(f"metrics file '{file}': {kernel}'s '{key}' is {value} and {wrong}")
    return float(value)


def _impossible(key: str, value: float) -> str | None:
    from kernelwright.evaluator.metrics import DURATION

    if not abs(value) < float("inf"):
        return "not finite: leave out what is not known"
    if key in ("duration_ms", DURATION) and value < 0:
        return "no duration is negative"
    if key == "time_share" and not 0 <= value <= 1:
        return "a share lies between 0 and 1"
    return None


def _belong_to(metrics: Metrics, code: str | None, file: Path) -> None:
    """Numbers of kernels that the prompt does not show would mislead whoever reads it."""
    from kernelwright.evaluator.source import triton_functions

    known = triton_functions(code) if code is not None else []
    strange = next((name for name in metrics if name not in known), None)
    if strange is not None:
        raise UsageProblem(
            f"metrics file '{file}' names the kernel '{strange}', which the code does not have"
            f" ({', '.join(known) or 'it has none'})"
        )


def _kernel(file: Path) -> str:
    from kernelwright.evaluator.source import check_source

    source = read_text(file, "kernel")
    problem = check_source(source)
    if problem is not None:
        raise UsageProblem(f"'{file}' is no kernel: {problem.reason}")
    return source


def _seed(task: Task, stage: str) -> str | None:
    if stage == "first_kernel" or task.seed is None:
        return None
    return read_text(task.seed, "seed kernel")
