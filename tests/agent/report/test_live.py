"""The live page in a browser: what another process adds appears, and what the reader looks at stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernelwright.agent.record import CampaignStatus
from kernelwright.agent.store import Store

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from report_world import Opened
from sample_campaigns import fill, offline_record


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "campaigns.db"
    with Store.open(path) as store:
        fill(store, offline_record())
        running = {"status": CampaignStatus.RUNNING, "finish_reason": None}
        store.save_campaign(store.campaign("offl").model_copy(update=running))
        with store.hold("offl"):
            yield path


@pytest.fixture
def server(path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "kernelwright.agent", "view", "offl", "--store", str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def live(browser: Any, server: subprocess.Popen[str]) -> Iterator[Opened]:
    """The page with an attempt open; a mark in it would be lost with a reload."""
    address = server.stdout.readline().strip()  # type: ignore[union-attr]
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    opened = Opened(context.new_page())
    opened.tab.goto(f"{address}#offl.1")
    opened.tab.locator("#attempt-title", has_text="offl.1").wait_for()
    opened.tab.evaluate("window.mark = 'the same page'")
    yield opened
    context.close()
    assert all(url.startswith((address, "data:")) for url in opened.requests)


def ids(opened: Opened) -> list[str]:
    return opened.tab.eval_on_selector_all("#tree [data-id]", "rows => rows.map(row => row.dataset.id)")


def add(path: Path, number: int) -> None:
    with Store.open(path) as store:
        last = offline_record().attempts[4]
        store.save_attempt(last.model_copy(update={"id": f"offl.{number}", "number": number}))


def test_that_the_page_was_opened_is_no_change(live: Opened) -> None:
    live.tab.locator("#live", has_text="following").wait_for()
    assert live.tab.locator("#live").inner_text() == "following"


def test_a_new_attempt_appears_without_a_reload_and_the_selection_stays(path: Path, live: Opened) -> None:
    assert ids(live) == [f"offl.{n}" for n in range(5)]
    add(path, 5)
    live.tab.locator("#tree [data-id='offl.5']").wait_for(state="attached")
    assert ids(live) == [f"offl.{n}" for n in range(6)]
    assert live.tab.evaluate("window.mark") == "the same page"
    assert live.tab.locator("#attempt-title").inner_text() == "offl.1"
    selected = live.tab.locator("#tree [aria-selected=true]")
    assert selected.get_attribute("data-id") == "offl.1"
    live.tab.locator("#live", has_text="following, last change").wait_for()
    assert live.tab.locator("#live").inner_text().endswith(" UTC")
    assert live.wrong == []


def test_the_chart_grows_and_leads_to_the_new_attempt(path: Path, live: Opened) -> None:
    live.tab.evaluate("location.hash = ''")
    assert live.tab.locator("svg.gain-chart a").count() == 5
    add(path, 5)
    live.tab.locator("svg.gain-chart a[href='#offl.5']").wait_for()
    live.tab.locator("svg.gain-chart a[href='#offl.5']").click()
    live.tab.locator("#attempt-title", has_text="offl.5").wait_for()
    assert live.wrong == []


def test_long_texts_come_when_they_are_opened(live: Opened) -> None:
    assert not [url for url in live.requests if "/text/" in url][1:]
    live.tab.get_by_role("tab", name="Prompt").click()
    live.tab.get_by_text("the prompt", exact=True).wait_for()
    assert live.wrong == []


def test_a_server_that_ends_is_said_and_the_page_stays_readable(
    server: subprocess.Popen[str], live: Opened
) -> None:
    server.kill()
    live.tab.get_by_text("the server is gone").wait_for()
    assert ids(live) == [f"offl.{n}" for n in range(5)]
    assert live.tab.locator("#attempt-title").inner_text() == "offl.1"
