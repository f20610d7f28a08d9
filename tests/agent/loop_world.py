"""A small deterministic world for the loop: kernels that say their own time, a judge that believes them.

The loop is what is tested with it, so the judge implements the whole evaluator protocol and measures nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from kernelwright.agent.providers.base import Request
from kernelwright.agent.record import (
    Attempt,
    AttemptKind,
    Budget,
    Campaign,
    Decision,
    Record,
    Reply,
    Settings,
    StageEnd,
    Usage,
)
from kernelwright.agent.store import Store
from kernelwright.evaluator.evaluation import (
    Correctness,
    Estimate,
    Evaluation,
    FamilyResult,
    Floor,
    KernelProfile,
    Status,
    Timing,
)
from kernelwright.evaluator.protocol import Contender, Job, Progress, Session, Standing, TaskFacts
from kernelwright.stages import Stage

NOW = datetime(2025, 1, 1, tzinfo=UTC)


class Quiet:
    """A `Watcher` that says nothing."""

    def session(self, campaign: Campaign, session: Session) -> None:
        """Say nothing."""

    def stage_started(self, stage: Stage) -> None:
        """Say nothing."""

    def stage_ended(self, end: StageEnd) -> None:
        """Say nothing."""

    def attempt_started(self, attempt: Attempt) -> None:
        """Say nothing."""

    def phase(self, text: str) -> None:
        """Say nothing."""

    def attempt_done(self, attempt: Attempt, record: Record) -> None:
        """Say nothing."""

    def finished(self, record: Record) -> None:
        """Say nothing."""


def source(ms: float, status: str = "passed", family: str = "", tag: str = "") -> str:
    """A kernel source that takes ``ms`` and is judged ``status``; ``family`` names one that it fails."""
    return f"""# ms={ms} status={status} family={family} tag={tag}
import torch.nn as nn
import triton


@triton.jit
def work():
    pass


class ModelNew(nn.Module):
    def forward(self, x):
        return x
"""


def fence(text: str) -> str:
    return f"Here it is.\n```python\n{text}```\n"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def told(text: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S*)", text.split("\n", 1)[0]))


def evaluation(
    ms: float = 1.0,
    *,
    status: str = "passed",
    kernel: str = "k",
    against: tuple[str, float] | None = None,
    spread: float = 0.005,
    failing: tuple[str, ...] = (),
    kernels: list[KernelProfile] | None = None,
) -> Evaluation:
    """Estimated, or with ``against`` (baseline, its ms) measured with an interval of ± ``spread``."""
    good = status in ("passed", "unchecked")
    timing = None
    if against and good:
        gain = against[1] / ms
        timing = Timing(
            median_ms=ms,
            baseline=against[0],
            baseline_ms=against[1],
            speedup=gain,
            speedup_ci95=(gain * (1 - spread), gain * (1 + spread)),
            pairs=6,
        )
    families = {
        name: FamilyResult(error=1e-6, budget=1e-5, passed=name not in failing, required=name == "nominal")
        for name in ("nominal", "huge")
    }
    return Evaluation(
        task="layer_norm",
        kernel=kernel,
        target="rtx-4090",
        device="NVIDIA H200" if against else "offline",
        provenance="measured" if against else "estimated",
        sandbox="process",
        status=Status(status),
        reason=None if status == "passed" else f"told to be {status}",
        correctness=Correctness(families=families),
        timing=timing,
        estimate=None if against or not good else Estimate(ms=ms, range_ms=(ms * 0.7, ms * 1.4)),
        kernels=kernels or [],
    )


def session(kind: str = "offline", noise_floor: float | None = None) -> Session:
    return Session.model_validate(
        {
            "kind": kind,
            "device": "NVIDIA H200" if kind == "cuda" else "offline",
            "target": "rtx-4090",
            "sandbox": "process",
            "facts": TaskFacts(inputs=[], parameters=[], outputs=[], floor_bytes=1),
            "floor_ms": Floor(device=None, target=0.1),
            "noise_floor": noise_floor,
        }
    )


class Judge:
    """Judges kernels by what they say of themselves; its card sees ``card_factor`` times the told time."""

    def __init__(self, kind: str = "offline", before: Callable[[Job], None] = lambda job: None) -> None:
        self.kind = kind
        self.before = before
        self.jobs: list[Job] = []
        self.noise_asked = 0
        self.closed = 0

    def open(self, task: str, target: str) -> Session:
        return session(self.kind)

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        progress("correctness")
        self.before(job)
        self.jobs.append(job)
        words = told(job.source)
        against = None
        if self.kind == "cuda":
            base = (sha(job.against), float(told(job.against)["ms"])) if job.against else ("eager", 8.0)
            against = base
        status = words["status"]
        if status == "unchecked" and self.kind == "cuda":
            status = "passed"
        return evaluation(
            float(words["ms"]),
            status=status,
            kernel=sha(job.source),
            against=against,
            failing=tuple(filter(None, [words["family"]])),
        )

    def noise_floor(self, task: str, source: str, progress: Progress) -> float | None:
        self.noise_asked += 1
        return 0.004 if self.kind == "cuda" else None

    def compare(self, task: str, contenders: list[Contender], progress: Progress) -> list[Standing]:
        return [Standing(name=c.name, median_ms=1.0, rounds=6) for c in contenders]

    def close(self) -> None:
        self.closed += 1


Answer = Callable[[Request], str]


class Script:
    """A provider that answers by a function, and notes each answered question in a file if it has one."""

    name = "openai"
    model = "script"

    def __init__(self, answer: Answer, log: Path | None = None) -> None:
        self.answer = answer
        self.log = log
        self.asked: list[Request] = []

    def ask(self, request: Request) -> Reply:
        text = self.answer(request)
        self.asked.append(request)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{request.attempt} {request.prompt_sha} {request.sample}\n")
                file.flush()
                os.fsync(file.fileno())
        usage = Usage(prompt_tokens=100, completion_tokens=10)
        return Reply(text=text, provider=self.name, model=self.model, usage=usage, finish_reason="stop")


def mixed(request: Request) -> str:
    """Faster kernels, replies without code, wrong kernels and repeats, by the attempt's number alone."""
    number = int(request.attempt.partition(".")[2])
    if number % 5 == 2:
        return "I would rather talk about it. \ud800"
    if number % 5 == 4:
        return fence(source(1.0, "incorrect", tag=str(number)))
    return fence(source(8.0 * 0.8**number))


def settings(seed: str | None, **changes: object) -> Settings:
    values: dict[str, object] = {
        "task": "layer_norm",
        "target": "rtx-4090",
        "device": "offline",
        "seed": seed,
        "provider": "openai",
        "stages": ["block_tiling", "memory_access"],
        "rounds": 2,
        "repairs": 1,
    }
    return Settings.model_validate({**values, **changes})


def begin(store: Store, budget: Budget | None = None, seed: str | None = None, **changes: object) -> Campaign:
    """A stored campaign that starts from a kernel of 8 ms."""
    first = store.put_text(source(8.0) if seed is None else seed)
    return store.new_campaign(settings(first, **changes), budget or Budget())


def attempt(number: int, verdict: Evaluation | None = None, **changes: object) -> Attempt:
    """An attempt as the rules see it; by default an undecided optimise attempt of block_tiling."""
    values: dict[str, object] = {
        "id": f"abcd.{number}",
        "campaign": "abcd",
        "number": number,
        "parent": None if number == 0 else "abcd.0",
        "kind": AttemptKind.OPTIMISE if number else AttemptKind.SEED,
        "stage": "block_tiling" if number else None,
        "round": number,
        "created": NOW,
        "kernel_sha": verdict.kernel if verdict else None,
        "evaluation": verdict,
    }
    return Attempt.model_validate({**values, **changes})


def accepted(provisional: bool = False) -> Decision:
    return Decision(accepted=True, provisional=provisional, reason="yes")


def refused(reason: str = "no") -> Decision:
    return Decision(accepted=False, reason=reason)
