"""Judges that the command line opens in a test, and a card that is not there."""

from __future__ import annotations

from collections.abc import Callable

from kernelwright.evaluator.devices import Card
from kernelwright.evaluator.protocol import Job
from loop_world import Judge

CARD = Card(
    index=0, name="NVIDIA H200", uuid="GPU-0", compute_capability="9.0", memory_gb=150.0, driver="580.1"
)


class Judges:
    """What `open_evaluator` gives; `before` is called ahead of every verdict."""

    def __init__(self) -> None:
        self.before: Callable[[Job], None] = lambda job: None
        self.opened: list[Judge] = []

    def open(self, device: str) -> Judge:
        self.opened.append(Judge(device, lambda job: self.before(job)))
        return self.opened[-1]

    @property
    def judged(self) -> list[str]:
        """Every source that was judged, in order."""
        return [job.source for judge in self.opened for job in judge.jobs]
