"""Evaluations per minute for a stream of 20 mixed LayerNorm candidates, as a campaign would meet them.

The candidates are the kernels of two stored campaigns and some of the task's wrong ones; each is timed against the
best kernel so far and profiled where it becomes a parent; without a card its time is estimated.

    python benchmarks/evaluations_per_minute.py [--device offline] [-o FILE.json]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from pathlib import Path

from kernelwright.evaluator.client import JudgeClient
from kernelwright.evaluator.devices import detect_card
from kernelwright.evaluator.gpus import gpu, gpu_by_title
from kernelwright.evaluator.protocol import Job
from kernelwright.reference_kernels import load_task

STORE = Path(__file__).parent / "h200" / "layer_norm.db"
WRONG = load_task("layer_norm").folder / "wrong"
# Name of the candidate, name of the kernel it is timed against (None: PyTorch eager).
STREAM: list[tuple[str, str | None]] = [
    ("jwgu.0", None),
    ("wrong/no_forward", "jwgu.0"),
    ("jwgu.3", "jwgu.0"),
    ("wrong/half_output", "jwgu.3"),
    ("wrong/odd_block", "jwgu.3"),
    ("jwgu.4", "jwgu.3"),
    ("jwgu.5", "jwgu.4"),
    ("jwgu.6", "jwgu.4"),
    ("wrong/skips_affine", "jwgu.4"),
    ("jwgu.7", "jwgu.4"),
    ("wrong/never_launches", "jwgu.4"),
    ("ctc4.1", "jwgu.4"),
    ("ctc4.2", "ctc4.1"),
    ("ctc4.3", "ctc4.1"),
    ("wrong/overwrites_input", "ctc4.1"),
    ("ctc4.4", "ctc4.1"),
    ("wrong/copies_input", "ctc4.1"),
    ("ctc4.5", "ctc4.1"),
    ("wrong/renamed_parameters", "ctc4.1"),
    ("ctc4.6", "ctc4.1"),
]


def source(name: str) -> str:
    if name.startswith("wrong/"):
        return (WRONG / f"{name[6:]}.py").read_text(encoding="utf-8")
    with sqlite3.connect(f"file:{STORE}?mode=ro", uri=True) as store:
        query = (
            "SELECT bytes FROM texts JOIN attempts ON texts.sha = attempts.kernel_sha WHERE attempts.id = ?"
        )
        (found,) = store.execute(query, (name,)).fetchone()
    return bytes(found).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", type=Path, help="write the figures there as JSON")
    parser.add_argument("--device", choices=["cuda", "offline"], default="cuda")
    asked = parser.parse_args()
    card = detect_card()
    row = gpu("rtx-4090") if asked.device == "offline" else gpu_by_title(card.name) if card else None
    if row is None:
        sys.exit("no card of the GPU table is here: add --device offline")
    rows = []
    with JudgeClient(asked.device) as judge:
        judge.open("layer_norm", row.name)
        began = time.monotonic()
        for name, against in STREAM:
            started = time.monotonic()
            job = Job(
                task="layer_norm",
                source=source(name),
                target=row.name,
                against=source(against) if against else None,
                profile=True,
            )
            found = judge.evaluate(job, lambda _: None)
            took = time.monotonic() - started
            timing = found.timing
            rows.append(
                {
                    "candidate": name,
                    "against": against,
                    "status": found.status,
                    "ms": timing.median_ms if timing else None,
                    "speedup": timing.speedup if timing else None,
                    "pairs": timing.pairs if timing else None,
                    "seconds": round(took, 2),
                    "phases": found.seconds,
                }
            )
            print(f"{name:26} {found.status:14} {took:6.2f} s  {found.seconds}", flush=True)
        total = time.monotonic() - began
    print(f"{len(STREAM)} evaluations in {total:.1f} s: {60 * len(STREAM) / total:.1f} per minute")
    if asked.o:
        result = {
            "device": asked.device,
            "card": row.title,
            "seconds": total,
            "per_minute": 60 * len(STREAM) / total,
            "rows": rows,
        }
        asked.o.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
