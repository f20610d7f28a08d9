"""What there is to choose from: tasks, stages, cards, prompt templates."""

from __future__ import annotations

from kernelwright.evaluator.gpus import Gpu
from kernelwright.reference_kernels import Task
from kernelwright.stages import Stage
from rich.table import Table
from rich.text import Text

from .text import one_line


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def tasks(found: list[Task]) -> Table:
    """Bundled tasks."""
    table = _table("task", "dtype", "starts from", "what it is")
    for task in found:
        table.add_row(
            Text(task.name, style="bold"),
            task.dtype or "",
            "seed.py" if task.seed else "reference.py",
            task.title,
        )
    return table


def stages(found: list[Stage], plan: tuple[str, ...]) -> Table:
    """All stages, those of the plan in its order."""
    table = _table("stage", "in the plan", "rounds", "repairs", "skipped when", "focus")
    for stage in found:
        place = str(plan.index(stage.name) + 1) if stage.name in plan else "no"
        skip = " and ".join(f"{rule.metric} {rule.op} {rule.value:g}" for rule in stage.skip_when) or "never"
        numbers = (place, str(stage.rounds), str(stage.repairs))
        table.add_row(Text(stage.name, style="bold"), *numbers, Text(skip), Text(one_line(stage.focus)))
    return table


def gpus(found: list[Gpu]) -> Table:
    """The table of cards."""
    table = _table("target", "card", "architecture", "capability", "SMs", "GB/s", "shared KB/block", "L2 MB")
    for card in found:
        table.add_row(
            Text(card.name, style="bold"),
            card.title,
            card.architecture,
            card.compute_capability,
            str(card.sm_count),
            f"{card.memory_bandwidth_gb_s:g}",
            str(card.shared_kb_per_block_max),
            str(card.l2_mb),
        )
    return table
