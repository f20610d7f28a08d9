"""How long the commands that look at a campaign take when it has a thousand attempts, and its page in Chromium.

    python benchmarks/thousand_attempts.py [--attempts N] [--store FILE] [-o FILE.json]

The campaign is made by `made_up_campaign` (a minute or two; with ``--store`` it is kept there and used again). Each
command runs as a process of its own, three times; the least time counts, start of Python included, and beside the
clock's stand the processor's seconds, which other work on the machine changes less. The page is opened from its file,
and from ``view``: from the start of the navigation until the lineage has a row for each attempt, and until one
that is clicked is shown. For the page playwright and a Chromium are needed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kernelwright.agent.store import Store
from made_up_campaign import make

REPEATS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=1000, help="about that many")
    parser.add_argument("--store", type=Path, help="keep the campaign there, or use the one that is there")
    parser.add_argument("-o", type=Path, help="write the figures there as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        store = asked.store or work / "campaigns.db"
        figures: dict[str, Any] = {"campaign": _campaign(store, asked.attempts), "machine": _machine()}
        figures["seconds"] = _commands(store, work)
        figures["page"] = _page(store, work)
    _show(figures)
    if asked.o:
        asked.o.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _campaign(store: Path, attempts: int) -> dict[str, object]:
    if not store.exists():
        make(store, attempts, _counted())
    with Store.open(store, read_only=True) as opened:
        record = opened.record(opened.campaigns()[0].id)
        prompts = [len(opened.text(a.prompt_sha)) for a in record.attempts if a.prompt_sha]
    return {
        "attempts": len(record.attempts),
        "store_mb": store.stat().st_size / 1e6,
        "prompt_kb": sum(prompts) / len(prompts) / 1e3,
    }


def _counted() -> Iterator[None]:
    number = 0
    while True:
        number += 1
        if number % 100 == 0:
            print(f"{number} attempts made", file=sys.stderr, flush=True)
        yield


def _machine() -> str:
    return f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"


def _commands(store: Path, work: Path) -> dict[str, tuple[float, float]]:
    """Least seconds of each command, by the clock and of the processor."""
    name, middle = _names(store)
    lines = {
        "list": ["list"],
        "tree": ["tree", name],
        "show": ["show", middle],
        "diff": ["diff", middle],
        "best": ["best", name],
        "report": ["report", name, "-o", str(work / "page.html"), "--force"],
        "replay": ["replay", name],
        "export": ["export", name, "-o", str(work / "campaign.json"), "--force"],
        "import": ["import", str(work / "campaign.json")],
    }
    found = {}
    for command, line in lines.items():
        into = work / "imported.db" if command == "import" else store
        timed = [_timed([*line, "--store", str(into)], into, store) for _ in range(REPEATS)]
        found[command] = min(clock for clock, _ in timed), min(busy for _, busy in timed)
        print(f"{command} done", file=sys.stderr, flush=True)
    return found


def _names(store: Path) -> tuple[str, str]:
    """The campaign, and an attempt in its middle that was kept and so has all there is."""
    with Store.open(store, read_only=True) as opened:
        record = opened.record(opened.campaigns()[0].id)
    kept = [a.id for a in record.attempts if a.decision and a.decision.accepted]
    return record.campaign.id, kept[len(kept) // 2]


def _timed(line: list[str], into: Path, store: Path) -> tuple[float, float]:
    if into != store:
        into.unlink(missing_ok=True)  # an import into a store that has the campaign would do nothing
    began, busy = time.perf_counter(), _busy()
    done = subprocess.run(_argv(*line), capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout[-2000:]}{done.stderr}"
        sys.exit(f"kernelwright {' '.join(line)} ended with {done.returncode}:\n{said}")
    return time.perf_counter() - began, _busy() - busy


def _busy() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _argv(*line: str) -> list[str]:
    return [sys.executable, "-m", "kernelwright.agent", *line]


def _page(store: Path, work: Path) -> dict[str, float]:
    """Size of the page's file, and seconds until it can be used, from the file and live."""
    name, middle = _names(store)
    file = work / "page.html"
    with subprocess.Popen(
        _argv("view", name, "--store", str(store)), stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            address = (server.stdout or sys.exit("no output")).readline().strip()
            times = {"file": _opened(file.as_uri(), middle), "live": _opened(address, middle)}
        finally:
            server.send_signal(signal.SIGINT)
    found = {"mb": file.stat().st_size / 1e6}
    for which, (shown, clicked) in times.items():
        found |= {f"{which}_opens_s": shown, f"{which}_attempt_s": clicked}
    return found


def _opened(address: str, attempt: str) -> tuple[float, float]:
    """Least seconds until the lineage is there, and from a click on an attempt until it is shown."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        times = []
        for _ in range(REPEATS):
            tab = browser.new_page()
            tab.goto(address, wait_until="commit")
            tab.locator("#tree [data-id]").first.wait_for(state="attached")
            shown = tab.evaluate("new Promise(done => requestAnimationFrame(() => done(performance.now())))")
            began = time.perf_counter()
            tab.evaluate(f"document.querySelector('#tree [data-id=\"{attempt}\"]').click()")
            tab.wait_for_selector("#attempt-title")
            times.append((shown / 1e3, time.perf_counter() - began))
            tab.close()
        browser.close()
    return min(shown for shown, _ in times), min(clicked for _, clicked in times)


def _show(figures: dict[str, Any]) -> None:
    campaign = figures["campaign"]
    print(
        f"{campaign['attempts']} attempts, store of {campaign['store_mb']:.0f} MB, "
        f"prompts of {campaign['prompt_kb']:.0f} kB on average; {figures['machine']}"
    )
    print(f"{'':16}  clock   CPU")
    for command, (clock, busy) in figures["seconds"].items():
        print(f"{command:16} {clock:6.2f} {busy:6.2f} s")
    for name, value in figures["page"].items():
        print(f"page {name:16} {value:6.2f}")


if __name__ == "__main__":
    main()
