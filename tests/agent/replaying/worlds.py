"""Random campaigns in the loop's small world: every kind of reply and verdict, stops, a move to a card."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from kernelwright.agent.loop import CampaignPaused, remeasure, run_campaign
from kernelwright.agent.providers.base import NothingToPropose, Request
from kernelwright.agent.record import Record
from kernelwright.agent.store import Store
from kernelwright.evaluator.evaluation import Evaluation, KernelProfile
from kernelwright.evaluator.protocol import Job, Progress
from kernelwright.stages import stages
from loop_world import Judge, Quiet, Script, begin, fence, source, told

METRICS = sorted({condition.metric for stage in stages().values() for condition in stage.skip_when})
PLAN = ["algorithm", "grid_and_parallel", "block_tiling", "memory_access", "advanced_memory"]


def profile(text: str) -> KernelProfile:
    """Launch and metrics of a kernel, by its source alone; some lack a metric, some change a grid."""
    rng = random.Random(text)
    values = {name: rng.choice([2.0, 12.0, 61.0, 95.0]) for name in METRICS if rng.random() < 0.9}
    return KernelProfile(
        name="work",
        grid=(rng.choice([16, 32]), 1, 1),
        launches=1,
        time_share=1.0,
        config={"BLOCK": rng.choice([64, 128])},
        metrics=values,
    )


class ProfilingJudge(Judge):
    """The world's judge with launches, metrics and a noise floor of its own."""

    def __init__(
        self, kind: str, floor: float = 0.004, before: Callable[[Job], None] = lambda job: None
    ) -> None:
        super().__init__(kind, before)
        self.floor = floor

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        found = super().evaluate(job, progress)
        return found.model_copy(update={"kernels": [profile(job.source)]})

    def noise_floor(self, task: str, source: str, progress: Progress) -> float | None:
        self.noise_asked += 1
        return self.floor if self.kind == "cuda" else None


def answers(seed: int) -> Callable[[Request], str]:
    """Replies by place and parent alone: gains small and large, failures, twins, nothing at all."""

    def answer(request: Request) -> str:
        number = int(request.attempt.partition(".")[2])
        rng = random.Random(f"{seed} {number} {request.sample}")
        roll = rng.random()
        if roll < 0.08:
            raise NothingToPropose(f"nothing is left in {request.stage.name}")
        if roll < 0.2:
            return rng.choice(["no code \ud800", "", "```python\nx = (\n```\n"])
        if roll < 0.26:
            return fence(source(8.0))
        status = rng.choices(["passed", "incorrect", "unchecked", "timeout"], [8, 2, 1, 1])[0]
        before = float(told(request.parent_source or "ms=8.0\n")["ms"])
        ms = round(before * rng.choice([0.7, 0.9, 0.975, 0.985, 0.99, 0.997, 1.3]), 6)
        family = rng.choice(["", "", "", "huge"])
        return fence(source(ms, status, family, tag=str(rng.randint(0, 5))))

    return answer


@dataclass(frozen=True)
class Life:
    """How one campaign goes."""

    seed: int
    device: str = "offline"
    rounds: int | None = 2
    samples: int = 1
    repairs: int | None = None
    stops: tuple[int, ...] = ()
    """Verdicts at which it is interrupted, to be resumed with another noise floor."""
    rounds_later: int | None = None
    """Rounds from the first resume on."""
    moved: bool = False
    """Carried to a card once it is over offline, or at its first stop."""


class Stops:
    """Interrupts at the n-th verdicts of a whole life."""

    def __init__(self, at: tuple[int, ...]) -> None:
        self._at = iter(sorted(at))
        self._next = next(self._at, None)
        self._seen = 0

    def __call__(self, job: Job) -> None:
        if self._seen == self._next:
            self._next = next(self._at, None)
            raise KeyboardInterrupt
        self._seen += 1


def live(store: Store, life: Life) -> Record:
    """Run the campaign through all its stops to its end, with the card at another noise floor each day."""
    campaign = begin(
        store,
        device=life.device,
        stages=PLAN,
        rounds=life.rounds,
        samples=life.samples,
        repairs=life.repairs,
        threshold=0.005,
    )
    stops, script = Stops(life.stops), Script(answers(life.seed))
    for device, floor in _days(life):
        judge = ProfilingJudge(device, floor, stops)
        moving = device == "cuda" and life.device == "offline"
        try:
            if moving:
                return remeasure(store, campaign.id, judge, Quiet(), 2, script)
            record = run_campaign(store, campaign.id, judge, script, Quiet())
            if not life.moved:
                return record
        except CampaignPaused:
            _change_rounds(store, campaign.id, life)
    raise AssertionError("it never ends")


def _days(life: Life) -> Iterator[tuple[str, float]]:
    floors = [0.004, 0.03, 0.0, 0.012, 0.008] * 10
    for day, floor in enumerate(floors):
        yield ("cuda" if life.moved and day else life.device), floor


def _change_rounds(store: Store, name: str, life: Life) -> None:
    if life.rounds_later is not None:
        campaign = store.record(name).campaign
        settings = campaign.settings.model_copy(update={"rounds": life.rounds_later})
        store.save_campaign(campaign.model_copy(update={"settings": settings}))
