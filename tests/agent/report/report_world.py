"""Pages of the sample campaigns, and a tab of a browser that notices what a page should never do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from kernelwright.agent.record import Record
from kernelwright.agent.report.page import page

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from sample_campaigns import TEXTS, sha

SCREENSHOTS = Path(__file__).parents[3] / ".screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = [
    "--no-sandbox",  # the tests' machine is often a container's root, for whom Chromium has no sandbox
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
STORED = {sha(text): text for text in TEXTS}


def written(record: Record, path: Path, texts: dict[str, str] = STORED, standing: str = "finished") -> Path:
    """The record's page as a file."""
    path.write_text(page(record, standing, texts.__getitem__), encoding="utf-8")
    return path


class Opened:
    """A tab, and everything that it should never have done."""

    def __init__(self, tab: Any) -> None:
        self.tab, self.wrong, self.requests = tab, [], []
        tab.set_default_timeout(10_000)
        tab.on("console", lambda said: self.wrong.append(f"console: {said.text}"))
        tab.on("pageerror", lambda problem: self.wrong.append(f"error: {problem}"))
        tab.on("dialog", self._dialog)
        tab.on("request", lambda request: self.requests.append(request.url))

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def shot(self, name: str) -> None:
        """A picture for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.tab.screenshot(path=SCREENSHOTS / f"{name}.png")
