"""``run --dry-run``: the plan, the budget and the first prompt's size; nothing is asked, judged or stored."""

from __future__ import annotations

from typing import Any

from kernelwright.stages import stage
from rich.table import Table

from .output import show, show_json
from .planning import Plan, replies_at_most


def show_plan(plan: Plan, as_json: bool) -> None:
    """Print what the campaign would be."""
    data = plan_json(plan)
    if as_json:
        show_json(data)
        return
    show(*plan.lines, _stages(plan))
    first, limits = data["first_prompt"], {k: v for k, v in data["budget"].items() if v is not None}
    show(
        f"starts from: {data['starts_from']}",
        f"first prompt: {first['characters']:,} characters, about {first['tokens_about']:,} tokens"
        f" (stage {first['stage']}, without the profile that the seed's evaluation adds)",
        f"replies: at most {data['replies_at_most']}",
        "budget: " + (", ".join(f"{name} {value:g}" for name, value in limits.items()) or "no limit"),
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as data."""
    first = plan.settings.stages[0] if plan.seed is not None else "first_kernel"
    size = len(first_prompt(plan, first))
    return {
        "settings": plan.settings.model_dump(mode="json"),
        "budget": plan.budget.model_dump(mode="json"),
        "chosen": list(plan.lines),
        "starts_from": "a seed kernel" if plan.seed is not None else "the PyTorch reference",
        "replies_at_most": replies_at_most(plan),
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
    settings = plan.settings
    for name in settings.stages:
        repairs = stage(name).repairs if settings.repairs is None else settings.repairs
        table.add_row(name, str(settings.rounds or stage(name).rounds), str(settings.samples), str(repairs))
    return table
