"""A campaign of any length with made-up replies and verdicts, by the real loop: briefs, prompts and rules are real.

The model answers with variants of LayerNorm's seed kernel, sometimes with no kernel or a wrong one; the judge believes
a line in each kernel that says what shall come of it. Nothing is compiled and every number is drawn from the
attempt's number, so a run makes the same campaign each time but for its id, its clock times and its store's bytes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from kernelwright.agent.loop import run_campaign
from kernelwright.agent.providers.base import Request
from kernelwright.agent.record import Attempt, Budget, Campaign, Record, Reply, Settings, StageEnd, Usage
from kernelwright.agent.store import Store
from kernelwright.evaluator.evaluation import (
    Correctness,
    Evaluation,
    FamilyResult,
    Floor,
    KernelProfile,
    Status,
    Timing,
)
from kernelwright.evaluator.phases import sha256_of
from kernelwright.evaluator.protocol import Contender, Job, Progress, Session, Standing, TaskFacts
from kernelwright.reference_kernels import load_task
from kernelwright.stages import PLAN, Stage

SAMPLES, REPAIRS = 8, 1
EAGER_MS, SEED_MS, FLOOR = 8.0, 3.8, Floor(device=0.1188, target=0.1188)
LAYER_NORM = TaskFacts.model_validate(
    {
        "inputs": [{"name": "x", "shape": [16, 64, 256, 256], "dtype": "float32"}],
        "parameters": [
            {"name": name, "shape": [64, 256, 256], "dtype": "float32"} for name in ("weight", "bias")
        ],
        "outputs": [{"name": "output 0", "shape": [16, 64, 256, 256], "dtype": "float32"}],
        "floor_bytes": 570425344,
    }
)
FAILURES = {
    Status.COMPILE_ERROR: "CompilationError: at 31:11: incompatible dimensions at index 0: 1024 and 512",
    Status.RESOURCE_LIMIT: "shared memory of 270,336 bytes is more than the card's 232,448",
    Status.RUNTIME_ERROR: "RuntimeError: Triton Error [CUDA]: an illegal memory access was encountered",
    Status.TIMEOUT: "still running after 60 s",
    Status.OUT_OF_MEMORY: "torch.OutOfMemoryError: tried to allocate 64.00 GiB",
    Status.INCORRECT: "outside its error budget on nominal: 0.31 of the reference's RMS, allowed 4.9e-05",
    Status.REJECTED: "no Triton kernel of its own did the work: 2 % of the GPU time",
}
METRICS = (
    "sm__throughput.avg.pct_of_peak_sustained_elapsed",
    "sm__warps_active.avg.pct_of_peak_sustained_active",
    "dram__throughput.avg.pct_of_peak_sustained_elapsed",
    "lts__t_sector_hit_rate.pct",
    "l1tex__t_sector_hit_rate.pct",
    "smsp__sass_average_data_bytes_per_sector_mem_global_op_ld.pct",
    "smsp__sass_average_data_bytes_per_sector_mem_global_op_st.pct",
    "smsp__warp_issue_stalled_long_scoreboard_per_warp_active.pct",
    "smsp__warp_issue_stalled_short_scoreboard_per_warp_active.pct",
    "smsp__warp_issue_stalled_barrier_per_warp_active.pct",
    "sm__inst_executed_pipe_tensor.avg.pct_of_peak_sustained_active",
)
COUNTS = {
    "launch__block_size": 128.0,
    "launch__registers_per_thread": 48.0,
    "launch__shared_mem_per_block_static": 0.0,
    "launch__shared_mem_per_block_dynamic": 1024.0,
    "launch__waves_per_multiprocessor": 12.4,
    "launch__occupancy_limit_blocks": 32.0,
    "launch__occupancy_limit_registers": 5.0,
    "launch__occupancy_limit_shared_mem": 14.0,
    "launch__occupancy_limit_warps": 8.0,
}
WORDS = "the partial kernel reads each row twice so that its sectors miss in L2 while warps wait".split()  # noqa: SIM905
NAMES = ["partial", "deviation", "block_mean", "total", "offsets", "normalised", "lanes", "mask", "sample"]
"""In the seed kernel: renamed, most of them change more lines than a prompt would show."""
TOLD = re.compile(r"^# told: (\w+) (\S+)$", re.MULTILINE)


class Quiet:
    """A `Watcher` that counts attempts for whoever waits."""

    def __init__(self, done: Iterator[object]) -> None:
        self._done = done

    def session(self, campaign: Campaign, session: Session) -> None: ...

    def stage_started(self, stage: Stage) -> None: ...

    def stage_ended(self, end: StageEnd) -> None: ...

    def attempt_started(self, attempt: Attempt) -> None: ...

    def phase(self, text: str) -> None: ...

    def attempt_done(self, attempt: Attempt, record: Record) -> None:
        next(self._done, None)

    def finished(self, record: Record) -> None: ...


class MadeUpModel:
    """A provider: about a fourth of its answers fail, the third sample of each round is a gain."""

    name, model = "openai", "made-up"

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def ask(self, request: Request) -> Reply:
        number = int(request.attempt.rpartition(".")[2])
        draw = random.Random(number)
        text = self._answer(number, request.sample, draw)
        usage = Usage(prompt_tokens=len(request.prompt) // 4, completion_tokens=len(text) // 4)
        return Reply(
            text=text, provider=self.name, model=self.model, usage=usage, finish_reason="stop",
            latency_s=draw.uniform(20, 90), parameters={"temperature": 0.7},
        )  # fmt: skip

    def _answer(self, number: int, sample: int, draw: random.Random) -> str:
        gains, fate = sample == 2, draw.random()
        if fate < 0.08 and not gains:
            return draw.choice(
                [
                    "",
                    "I would rather merge the two kernels.",
                    "```python\nimport triton\n",
                    "```python\ndef f(:\n```",
                ]
            )
        if fate < 0.26 and not gains:
            told = f"{draw.choice(list(FAILURES)).value} 0"
        elif fate < 0.30 and not gains:
            told, number = "passed 0.7", 0  # the same kernel again
        else:
            told = f"passed {draw.uniform(1.023, 1.034) if gains else draw.uniform(0.6, 1.005):.4f}"
        return f"{_thoughts(draw)}\n\n```python\n{variant(self._seed, number, told)}```\n"


def _thoughts(draw: random.Random) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(60, 400)))


def variant(seed: str, number: int, told: str) -> str:
    """A kernel of its own for each number: constants and names changed, and a line for the judge."""
    draw = random.Random(-number)
    text = seed.replace("BLOCK_SIZE = 1024", f"BLOCK_SIZE = {draw.choice([256, 512, 1024, 2048, 4096])}")
    text = text.replace("num_warps=4", f"num_warps={draw.choice([2, 4, 8, 16])}")
    for name in draw.sample(NAMES, 1 if draw.random() < 0.2 else 3):
        text = re.sub(rf"\b{name}\b", f"{name}_{number}", text)
    return f"# attempt {number}\n# told: {told}\n{text}"


class MadeUpJudge:
    """An evaluator that believes what a kernel says of itself."""

    def __init__(self) -> None:
        self._ms: dict[str, float] = {}

    def open(self, task: str, target: str) -> Session:
        return Session(
            kind="cuda", device="NVIDIA H200", target=target, sandbox="bubblewrap", facts=LAYER_NORM,
            floor_ms=FLOOR, environment=_ENVIRONMENT,
        )  # fmt: skip

    def evaluate(self, job: Job, progress: Progress) -> Evaluation:
        kernel = sha256_of(job.source)
        found = TOLD.search(job.source)
        status, factor = (Status(found[1]), float(found[2])) if found else (Status.PASSED, 1.0)
        draw = random.Random(kernel)
        timing = self._timing(job, kernel, factor, draw) if status is Status.PASSED else None
        return Evaluation(
            task=job.task, kernel=kernel, target=job.target, device="NVIDIA H200", provenance="measured",
            sandbox="bubblewrap", status=status, reason=FAILURES.get(status), timing=timing, floor_ms=FLOOR,
            correctness=_correctness(status, draw), environment=_ENVIRONMENT,
            kernels=_kernels(timing.median_ms, draw) if timing else [],
            seconds={name: draw.uniform(0.2, 4) for name in ("start", "compile", "correctness", "timing")},
        )  # fmt: skip

    def _timing(self, job: Job, kernel: str, factor: float, draw: random.Random) -> Timing:
        baseline = sha256_of(job.against) if job.against else "eager"
        before = self._ms.get(baseline, EAGER_MS)
        ms = before / factor if job.against else SEED_MS
        self._ms[kernel] = ms
        samples = [(ms * draw.gauss(1, 0.0005), before * draw.gauss(1, 0.0005)) for _ in range(6)]
        gain = before / ms
        return Timing(
            median_ms=ms, baseline=baseline, baseline_ms=before, speedup=gain, pairs=6, samples=samples,
            speedup_ci95=(gain * 0.9985, gain * 1.0015),
        )  # fmt: skip

    def noise_floor(self, task: str, source: str, progress: Progress) -> float | None:
        return 0.004

    def compare(self, task: str, contenders: list[Contender], progress: Progress) -> list[Standing]:
        times = {"eager": EAGER_MS, "compile": 0.323}
        rows = [(c.name, times.get(c.name) or self._ms[sha256_of(c.source or "")]) for c in contenders]
        return [
            Standing(
                name=name,
                median_ms=ms,
                speedup=EAGER_MS / ms,
                speedup_ci95=(EAGER_MS / ms * 0.999, EAGER_MS / ms * 1.001),
                rounds=5,
            )
            for name, ms in rows
        ]

    def close(self) -> None: ...


_ENVIRONMENT = {
    "python": "3.12.3",
    "torch": "2.11.0",
    "triton": "3.6.0",
    "gpu": "NVIDIA H200",
    "ncu": "2025.3.1.0",
}


def _correctness(status: Status, draw: random.Random) -> Correctness | None:
    if status not in (Status.PASSED, Status.INCORRECT):
        return None
    required = ["nominal", "small", "large", "sparse", "shifted"]
    stress = ["shifted_10", "shifted_1000", "huge", "denormal"]
    wrong = status is Status.INCORRECT
    families = {
        name: FamilyResult(
            error=0.31 if wrong else draw.uniform(1e-7, 9e-6),
            budget=4.9e-5,
            passed=not wrong,
            required=name in required,
        )
        for name in (required[:1] if wrong else required + stress)
    }
    return Correctness(families=families, deterministic=None if wrong else True)


def _kernels(ms: float, draw: random.Random) -> list[KernelProfile]:
    shares = (0.3, 0.7)
    return [
        KernelProfile(
            name=f"layer_norm_forward_{name}_kernel", grid=(16, draw.choice([1024, 4096, 8192]), 1), launches=1,
            time_share=share, duration_ms=ms * share,
            config={"BLOCK_SIZE": draw.choice([512, 1024, 2048]), "num_warps": draw.choice([4, 8]), "num_stages": 3},
            metrics={
                "gpu__time_duration.sum": ms * share * 1e6,
                **{metric: round(draw.uniform(20, 59), 2) for metric in METRICS},
                **COUNTS,
            },
            missing={"smsp__inst_executed.avg.per_cycle_active": "the profiler did not know it"},
        )
        for name, share in zip(("partial", "final"), shares, strict=True)
    ]  # fmt: skip


def make(store: Path, attempts: int, done: Iterator[object]) -> Campaign:
    """A finished campaign of about that many attempts in a store of its own; ``done`` is stepped at each."""
    seed = load_task("layer_norm").seed.read_text(encoding="utf-8")
    rounds = max(1, round(attempts / (len(PLAN) * SAMPLES * 1.25)))
    settings = Settings(
        task="layer_norm", target="h200", device="cuda", provider="openai", model="made-up", stages=list(PLAN),
        rounds=rounds, samples=SAMPLES, repairs=REPAIRS, usd_per_million=(1.0, 4.0),
    )  # fmt: skip
    with Store.open(store) as opened:
        campaign = opened.new_campaign(settings, Budget())
        record = run_campaign(opened, campaign.id, MadeUpJudge(), MadeUpModel(seed), Quiet(done))
    return record.campaign
