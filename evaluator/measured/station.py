"""What stands ready on one card for one task: the oracle, cells for kernels, buffers, the floor."""

from __future__ import annotations

from pathlib import Path

import torch
from kernelwright.reference_kernels import Task

from .. import health
from ..cells import Cells
from ..devices import Card
from ..evaluation import Floor
from ..gpus import Gpu
from ..protocol import GpuUnhealthy
from ..reference.facts import floors
from ..reference.oracle import Oracle
from .sides import Sides, flush_bytes
from .timing import WARM_SECONDS, Stopwatch


class Station:
    """One task on one card. Raises torch.OutOfMemoryError when the card has no room for it."""

    def __init__(self, task: Task, target: Gpu, device: Gpu, card: Card, folder: Path) -> None:
        self.task = task
        self.target = target
        self.device = device
        """The table's row of the card that is here."""
        self.card = card
        self.cells = Cells(folder / "cells")
        try:
            self.oracle = Oracle(task, "cuda")
        except BaseException:
            self.cells.close()
            raise
        l2_bytes = torch.cuda.get_device_properties(0).L2_cache_size
        self.sides = Sides(self.oracle, self.cells, flush_bytes(l2_bytes, device.memory_bandwidth_gb_s))

    def floors(self) -> Floor:
        """The task's floors on the target and on this card."""
        return floors(self.oracle.facts, self.target, self.device)

    def watch(self) -> Stopwatch:
        """A stopwatch for one contest."""
        return Stopwatch(self.oracle, self.card.index)

    def check_health(self) -> None:
        """Ask a process that no candidate came near whether the card still works; raises `GpuUnhealthy`."""
        problem = health.check(self.cells.spare().parent)
        if problem is not None:
            raise GpuUnhealthy(
                f"the {self.card.name} does not answer any more ({problem}): check it with nvidia-smi, then resume"
            )

    def can_trace(self) -> bool:
        """Ask the same whether calls can be traced here: a candidate may have stopped its own trace."""
        with self.cells.spare().parent.fork() as runner:
            runner.order("enter", folder=str(runner.folder), cache=str(runner.folder), gpu=None)
            runner.answer(WARM_SECONDS, "starting CUDA")
            return runner.ask("prepare_trace", WARM_SECONDS, "starting the trace")["works"] is True

    def close(self) -> None:
        """End all processes, give the memory back."""
        self.cells.close()
        self.sides.close()
