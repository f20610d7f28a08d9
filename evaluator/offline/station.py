"""What stands ready for one task without a card: its shapes, its small oracles, its floor."""

from __future__ import annotations

from kernelwright.reference_kernels import Task

from ..evaluation import Floor
from ..gpus import Gpu
from ..reference.facts import floors, surely_moved
from ..reference.oracle import Oracle, Shapes
from ..reference.shrinking import guess
from .parents import Parents


class Station:
    """One task for one target. Raises `TaskError` for a task that never runs."""

    def __init__(self, task: Task, target: Gpu, parents: Parents) -> None:
        self.task = task
        self.target = target
        self.parents = parents
        self.oracle = Shapes(task)
        self.guessed = guess(task) if task.file else None
        """The small shapes of a single file, which cannot say them itself."""
        own = [Oracle(task, "cpu", constants) for constants in task.small]
        self.small = self.guessed.small if self.guessed else own

    def floors(self) -> Floor:
        """The task's floor on the target."""
        return floors(self.oracle.facts, self.target, None)

    def sure_floor_ms(self) -> float:
        """The same, of the bytes alone that no kernel can leave out."""
        return floors(surely_moved(self.task, self.oracle.facts), self.target, None).target
