"""Judges on a card that is not there: kernels that say their own time meet PyTorch, which takes 8 and 2 ms."""

from __future__ import annotations

from judges import Judges
from kernelwright.evaluator.evaluation import Floor
from kernelwright.evaluator.protocol import Contender, Progress, Session, Standing
from loop_world import Judge, session, told

EAGER, COMPILED, FLOOR = 8.0, 2.0, 0.5


class Rival(Judge):
    """A `Judge` on a card with a floor, whose head to head believes the kernels as its verdicts do."""

    refusal: Exception | None = None
    """Raised when it is opened."""

    def __init__(self, judges: Rivals) -> None:
        super().__init__("cuda", lambda job: judges.before(job))
        self.judges = judges
        self.met: list[list[str]] = []

    def open(self, task: str, target: str) -> Session:
        """Notes the task; fails where that task is to fail."""
        self.judges.tasks.append(task)
        if task in self.judges.failing:
            raise self.judges.failing[task]
        return session("cuda").model_copy(update={"floor_ms": Floor(device=FLOOR, target=0.1)})

    def compare(self, task: str, contenders: list[Contender], progress: Progress) -> list[Standing]:
        """Times as told; who says ``tag=breaks`` has none."""
        progress("head to head, round 1 of 5")
        self.judges.met[task] = [one.name for one in contenders]
        return [self._standing(one) for one in contenders]

    def _standing(self, one: Contender) -> Standing:
        words = told(one.source or "")
        if words.get("tag") == "breaks" or one.name in self.judges.broken:
            return Standing(name=one.name, median_ms=None, reason="out of memory beside the others")
        ms = float(words["ms"]) if words else {"eager": EAGER, "compile": COMPILED}[one.name]
        gain = EAGER / ms
        return Standing(
            name=one.name, median_ms=ms, speedup=gain, speedup_ci95=(gain * 0.99, gain * 1.01), rounds=5
        )


class Rivals(Judges):
    """What `open_evaluator` gives on that card, and what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[str] = []
        """Opened, in order."""
        self.met: dict[str, list[str]] = {}
        """Who met head to head, by task."""
        self.failing: dict[str, Exception] = {}
        self.broken: set[str] = set()
        """PyTorch's own that fail in the head to head."""

    def open(self, device: str) -> Judge:
        """A fresh one."""
        assert device == "cuda"
        self.opened.append(Rival(self))
        return self.opened[-1]
