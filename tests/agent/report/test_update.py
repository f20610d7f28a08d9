"""An update of the live page leaves the reader where they were: focus, scroll positions, tab, closed stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kernelwright.agent.report.serving import LivePage, LiveServer
from kernelwright.agent.store import Store
from report_world import Opened
from sample_campaigns import fill, offline_record

Goes = Callable[[str], Opened]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "campaigns.db"
    with Store.open(path) as store:
        fill(store, offline_record())
    return path


@pytest.fixture
def live(browser: Any, path: Path) -> Iterator[Goes]:
    """Opens the live page, small enough that everything scrolls."""
    with Store.open(path, read_only=True) as store, LiveServer(LivePage(store, "offl"), 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        context = browser.new_context(viewport={"width": 1000, "height": 320})

        def go(hash_: str) -> Opened:
            opened = Opened(context.new_page())
            opened.tab.goto(f"{server.address}#{hash_}")
            opened.tab.locator("#tree [data-id='offl.4']").wait_for(state="attached")
            return opened

        yield go
        context.close()
        server.shutdown()
        thread.join()


def grow(path: Path, opened: Opened) -> None:
    with Store.open(path) as store:
        store.save_attempt(offline_record().attempts[4].model_copy(update={"id": "offl.5", "number": 5}))
    opened.tab.locator("#tree [data-id='offl.5']").wait_for(state="attached")


STATE = """() => ({
  focus: document.activeElement.getAttribute("data-keep") || document.activeElement.getAttribute("href"),
  lineage: document.getElementById("lineage").scrollTop, window: window.scrollY,
  tab: document.querySelector("[role=tab][aria-selected=true]")?.id, url: location.href,
  closed: [...document.querySelectorAll("[aria-expanded=false]")].map((row) => row.dataset.stage),
})"""


def test_beside_an_open_attempt(path: Path, live: Goes) -> None:
    opened = live("offl.1/code")
    tab = opened.tab
    tab.locator("#panel pre").wait_for()
    tab.locator("[data-stage='algorithm/1']").click()
    tab.locator("[data-id='offl.4']").focus()
    tab.evaluate("() => { document.getElementById('lineage').scrollTop = 150; window.scrollTo(0, 90); }")
    before = tab.evaluate(STATE)
    assert before["lineage"] == 150 and before["window"] == 90 and before["closed"] == ["algorithm/1"]
    grow(path, opened)
    assert tab.evaluate(STATE) == before and opened.wrong == []


def test_in_the_middle_of_the_campaign(path: Path, live: Goes) -> None:
    opened = live("")
    tab = opened.tab
    tab.locator("#overview .finding a").focus()
    tab.evaluate(
        "() => { document.querySelector('.chart .scroller').scrollLeft = 40; window.scrollTo(0, 200); }"
    )
    before = tab.evaluate(STATE)
    assert before["window"] == 200 and before["focus"] == "#offl.1"
    grow(path, opened)
    assert tab.evaluate(STATE) == before
    assert tab.evaluate("() => document.querySelector('.chart .scroller').scrollLeft") == 40
    assert tab.locator("#live").is_hidden()
