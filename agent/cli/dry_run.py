"""``run --dry-run``: the plan, the budget and the first prompt's size; nothing is asked, judged or stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table

from .output import show, show_json, stderr
from .planning import Plan, planned_stages


def show_plan(plan: Plan, as_json: bool) -> None:
    """Print what the campaign would be; raises what the judge says to a task that it would refuse."""
    _prove(plan)
    data = plan_json(plan)
    if as_json:
        show_json(data)
        return
    show(*plan.lines, _stages(plan))
    first, limits = data["first_prompt"], {k: v for k, v in data["budget"].items() if v is not None}
    added = ", without the profile that the seed's evaluation adds" if plan.seed is not None else ""
    show(
        f"starts from: {data['starts_from']}",
        f"first prompt: {first['characters']:,} characters, about {first['tokens_about']:,} tokens"
        f" (stage {first['stage']}{added})",
        f"replies: at most {data['replies_at_most']}",
        "budget: " + (", ".join(f"{name} {value:g}" for name, value in limits.items()) or "no limit"),
    )


def _prove(plan: Plan) -> None:
    """Have a task of one's own prove itself, as a run would; bundled ones do, and a record was judged long ago."""
    from kernelwright.evaluator.client import open_evaluator
    from kernelwright.reference_kernels import bundled

    settings = plan.settings
    if settings.task in bundled() or settings.recorded:
        return
    judge = open_evaluator(settings.device)
    try:
        with stderr().status("starting the evaluator"):
            judge.open(settings.task, settings.target)
    finally:
        judge.close()


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as data."""
    stages = planned_stages(plan)
    first = stages[0].name
    size = len(first_prompt(plan, first))
    return {
        "settings": plan.settings.model_dump(mode="json"),
        "budget": plan.budget.model_dump(mode="json"),
        "chosen": list(plan.lines),
        "starts_from": "a seed kernel" if plan.seed is not None else "the PyTorch reference",
        "stages": [asdict(stage) for stage in stages],
        "replies_at_most": sum(stage.replies_at_most for stage in stages),
        "first_prompt": {"stage": first, "characters": size, "tokens_about": size // 4},
    }


def first_prompt(plan: Plan, stage_name: str) -> str:
    """The first prompt as far as it is known before anything is judged."""
    from .prompting import bare_prompt

    return bare_prompt(plan.task, stage_name, plan.settings.target, plan.seed)[1].text


def _stages(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("stage", "rounds", "samples", "repairs"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in planned_stages(plan):
        table.add_row(stage.name, str(stage.rounds), str(stage.samples), str(stage.repairs))
    return table
