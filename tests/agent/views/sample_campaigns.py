"""Two small campaigns, one offline with everything that can go wrong in it, one measured."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from kernelwright.agent.record import (
    Attempt,
    AttemptKind,
    Budget,
    Campaign,
    CampaignStatus,
    Decision,
    ExtractionFailure,
    Failure,
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
from kernelwright.evaluator.protocol import Session, Standing, TaskFacts

NOW = datetime(2025, 3, 4, 5, 6, tzinfo=UTC)
ESC = "\x1b"
HOSTILE = f"{ESC}[2J{ESC}]0;owned\x07 [bold red]not markup[/] \u202eback"
"""Clears a screen, sets a title, would be rich markup, and turns the reading direction."""

SEED = "import triton\n\nBLOCK = 1024\nGRID = 16\n"
FASTER = "import triton\n\nBLOCK = 1024\nGRID = 4096\n"
BAD = f"import triton\n# {HOSTILE}\nBLOCK = 7\n"
SLOWER = "import triton\n\nBLOCK = 512\nGRID = 4096\n"
TEXTS = [SEED, FASTER, BAD, SLOWER, "the prompt\n", HOSTILE]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def profile(name: str, share: float, ms: float, **metrics: float) -> KernelProfile:
    return KernelProfile(
        name=name,
        grid=(16, 4096, 1),
        launches=1,
        time_share=share,
        duration_ms=ms,
        config={"BLOCK_SIZE_N": 1024, "num_warps": 4},
        metrics={"launch__grid_size": 65536.0, **metrics},
        missing={"lts__t_sector_hit_rate.pct": "the profiler did not know it"},
    )


def evaluation(source: str, ms: float | None, **changes: Any) -> Evaluation:
    fields: dict[str, Any] = {
        "task": "layer_norm",
        "kernel": sha(source),
        "target": "rtx-4090",
        "device": "offline",
        "provenance": "estimated",
        "sandbox": "process",
        "status": Status.PASSED,
        "estimate": Estimate(ms=ms, range_ms=(ms * 0.8, ms * 1.3)) if ms else None,
        "floor_ms": Floor(device=None, target=0.566),
        "correctness": Correctness(
            families={
                "nominal": FamilyResult(error=1.2e-6, budget=1e-5, passed=True, required=True),
                "shifted_1000": FamilyResult(error=None, budget=1e-5, passed=False, required=False),
            }
        ),
        "kernels": [profile("partial", 0.1, (ms or 1) * 0.1), profile("final", 0.9, (ms or 1) * 0.9)],
        "warnings": ["bubblewrap is not usable here"],
        "environment": {"torch": "2.13.0", "triton": "3.7.1"},
    }
    return Evaluation.model_validate({**fields, **changes})


def measured(source: str, ms: float, baseline: str, baseline_ms: float) -> Evaluation:
    gain = baseline_ms / ms
    timing = Timing(
        median_ms=ms,
        baseline=baseline,
        baseline_ms=baseline_ms,
        speedup=gain,
        speedup_ci95=(gain * 0.98, gain * 1.02),
        pairs=6,
    )
    changes = {"device": "NVIDIA H200", "provenance": "measured", "estimate": None, "timing": timing}
    return evaluation(source, ms, **changes, floor_ms=Floor(device=0.119, target=0.566))


def attempt(campaign: str, number: int, parent: int | None, kind: AttemptKind, **fields: Any) -> Attempt:
    return Attempt(
        id=f"{campaign}.{number}",
        campaign=campaign,
        number=number,
        parent=None if parent is None else f"{campaign}.{parent}",
        kind=kind,
        created=NOW + timedelta(minutes=number),
        seconds=12.5,
        **{"stage": None, **fields},
    )


def asked(text: str) -> dict[str, Any]:
    usage = Usage(prompt_tokens=4000, completion_tokens=1500)
    reply = Reply(
        text=text, provider="openai", model="m-1", usage=usage, latency_s=31.0, finish_reason="stop"
    )
    return {
        "prompt_sha": sha("the prompt\n"),
        "template": "optimise",
        "template_sha": "ab" * 32,
        "reply": reply,
    }


def decided(accepted: bool, reason: str, provisional: bool = False, *broken: str) -> Decision:
    return Decision(accepted=accepted, provisional=provisional, reason=reason, broken_promises=list(broken))


def session(kind: str = "offline") -> Session:
    cuda = kind == "cuda"
    return Session.model_validate(
        {
            "kind": kind,
            "device": "NVIDIA H200" if cuda else "offline",
            "target": "rtx-4090",
            "sandbox": "process",
            "facts": TaskFacts(inputs=[], parameters=[], outputs=[], floor_bytes=1),
            "floor_ms": Floor(device=0.119 if cuda else None, target=0.566),
        }
    )


STAGES = ["algorithm", "grid_and_parallel", "block_tiling", "memory_access"]


def offline_record() -> Record:
    """A find that is provisional, a truncated reply, an incorrect repair, a hostile kernel, a skipped stage."""
    make = [
        attempt(
            "offl", 0, None, AttemptKind.SEED, kernel_sha=sha(SEED), evaluation=evaluation(SEED, 3.9),
            decision=decided(True, "passed, and is the first to do so", True),
        ),
        attempt(
            "offl", 1, 0, AttemptKind.OPTIMISE, stage="algorithm", round=1, **asked("a reply"),
            kernel_sha=sha(FASTER), evaluation=evaluation(FASTER, 0.61),
            decision=decided(True, "an estimated 0.61 ms against 3.9 ms of offl.0", True),
        ),
        attempt(
            "offl", 2, 1, AttemptKind.OPTIMISE, stage="grid_and_parallel", round=1, **asked(HOSTILE),
            failure=Failure(kind=ExtractionFailure.TRUNCATED, reason="the reply stops inside its code block"),
            decision=decided(False, "the reply stops inside its code block"),
        ),
        attempt(
            "offl", 3, 1, AttemptKind.REPAIR, stage="grid_and_parallel", round=1, mends="offl.2", **asked("again"),
            kernel_sha=sha(BAD),
            evaluation=evaluation(BAD, None, status="incorrect", reason=f"nominal is wrong {HOSTILE}", warnings=[]),
            decision=decided(False, f"incorrect: nominal is wrong {HOSTILE}"),
        ),
        attempt(
            "offl", 4, 1, AttemptKind.OPTIMISE, stage="block_tiling", round=1, **asked("third"),
            kernel_sha=sha(SLOWER), evaluation=evaluation(SLOWER, 0.7),
            decision=decided(False, "an estimated 0.7 ms against 0.61 ms: not lower", False, "it changed a grid"),
        ),
    ]  # fmt: skip
    campaign = Campaign(
        id="offl",
        created=NOW,
        settings=Settings(
            task="layer_norm", target="rtx-4090", device="offline", provider="openai", model="m-1",
            stages=STAGES, seed=sha(SEED),
        ),
        budget=Budget(max_minutes=30),
        status=CampaignStatus.FINISHED,
        finish_reason="every stage is over",
        session=session(),
        stage_ends=[
            StageEnd(stage="algorithm", outcome="finished", reason="1 round"),
            StageEnd(stage="grid_and_parallel", outcome="plateau", reason="2 attempts without a gain"),
            StageEnd(stage="block_tiling", outcome="finished", reason="1 round"),
            StageEnd(stage="memory_access", outcome="skipped", reason="stall is 9 %, at most 15 %"),
        ],
        seconds=95.0,
    )  # fmt: skip
    return Record(campaign=campaign, attempts=make)


def measured_record() -> Record:
    """A seed and one gain on a card, with the final head-to-head; paused on its budget."""
    make = [
        attempt(
            "meas", 0, None, AttemptKind.SEED, kernel_sha=sha(SEED),
            evaluation=measured(SEED, 3.87, "eager", 8.43), decision=decided(True, "passed, and is the first"),
        ),
        attempt(
            "meas", 1, 0, AttemptKind.OPTIMISE, stage="algorithm", round=1, **asked("a reply"),
            kernel_sha=sha(FASTER), evaluation=measured(FASTER, 0.318, sha(SEED), 3.87),
            decision=decided(True, "12.170× over meas.0 (95 % interval 11.926 to 12.413)"),
        ),
    ]  # fmt: skip
    campaign = Campaign(
        id="meas",
        created=NOW + timedelta(hours=1),
        settings=Settings(
            task="layer_norm", target="h200", device="cuda", provider="tuner", stages=STAGES, seed=sha(SEED)
        ),
        budget=Budget(max_minutes=1),
        status=CampaignStatus.PAUSED,
        pause_reason="the budget of 1 minutes is used up: raise --max-minutes",
        session=session("cuda"),
        stage_ends=[StageEnd(stage="algorithm", outcome="finished", reason="1 round")],
        standings=[
            Standing(name="eager", median_ms=8.43, rounds=6),
            Standing(name="compile", median_ms=0.32, speedup=26.3, speedup_ci95=(26.1, 26.6), rounds=6),
            Standing(name="seed", median_ms=3.87, speedup=2.18, speedup_ci95=(2.16, 2.2), rounds=6),
            Standing(name="best", median_ms=None, reason="it was not timed"),
        ],
        seconds=61.0,
    )
    return Record(campaign=campaign, attempts=make)


def fill(store: Store, *records: Record) -> None:
    """Put the records and every text that they name into a store."""
    for text in TEXTS:
        store.put_text(text)
    for record in records:
        store.save_campaign(record.campaign)
        for item in record.attempts:
            store.save_attempt(item)
