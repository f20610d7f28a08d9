"""A real browser, and a way to open a page in it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from report_world import ARGUMENTS, NAMES, Opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; its processes end with the session."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Opens an address in a context of its own; fails where the page complained or asked for anything."""
    contexts, all_opened = [], []

    def open_(
        path: Path, hash_: str = "", width: int = 1300, height: int = 900, scheme: str = "light"
    ) -> Opened:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        all_opened.append(opened := Opened(contexts[-1].new_page()))
        opened.tab.goto(path.as_uri() + (f"#{hash_}" if hash_ else ""))
        opened.tab.locator("#tree [role=treeitem]").first.wait_for(state="attached")
        return opened

    yield open_
    for context in contexts:
        context.close()
    for opened in all_opened:
        assert opened.wrong == []
        assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
