"""The page in a real browser: tree, tabs, addresses, keyboard, phone, dark and light."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kernelwright.agent.record import Record
from report_world import Opened, written
from sample_campaigns import FASTER, measured_record, offline_record

Visit = Callable[..., Opened]


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(offline_record(), tmp_path_factory.mktemp("offline") / "page.html")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(measured_record(), tmp_path_factory.mktemp("measured") / "page.html", standing="paused")


def test_the_campaign_is_what_one_sees_first(visit: Visit, measured: Path) -> None:
    tab = visit(measured).tab
    assert tab.title() == "meas: layer_norm for the h200"
    overview = tab.locator("#overview").inner_text()
    assert "best kernel: meas.1, 0.318 ms" in overview and "26.3× [26.1, 26.6] over eager" in overview
    assert "the budget of 1 minutes is used up" in overview
    assert tab.locator("#overview svg.gain-chart a").count() == 2
    assert "floor on this card\n0.119 ms" in tab.locator("#apparatus").inner_text()
    assert tab.locator("#attempt").is_hidden()


def test_a_click_in_the_tree_opens_the_attempt(visit: Visit, offline: Path) -> None:
    tab = visit(offline).tab
    tab.locator("[data-id='offl.3']").click()
    tab.locator("#panel").wait_for()
    assert tab.url.endswith("#offl.3")
    assert "incorrect, offline, for the rtx-4090: nothing was measured" in tab.locator("#panel").inner_text()
    assert tab.locator("[role=treeitem][aria-selected=true]").get_attribute("data-id") == "offl.3"
    assert "mends offl.2" in tab.locator("#attempt header").inner_text()


def test_a_click_on_a_point_of_the_chart_opens_the_attempt(visit: Visit, measured: Path) -> None:
    tab = visit(measured).tab
    tab.locator("#overview svg a[href='#meas.1'] circle").first.click()
    tab.locator("#attempt-title", has_text="meas.1").wait_for()


def test_every_tab_shows_its_text(visit: Visit, offline: Path) -> None:
    tab = visit(offline, "offl.1").tab

    def panel(name: str) -> Any:
        tab.get_by_role("tab", name=name).click()
        return tab.get_by_role("tabpanel", name=name)

    assert panel("Code").locator("pre").text_content() == FASTER
    assert panel("Diff").locator(".plus").text_content() == "+GRID = 4096\n"
    assert panel("Diff").locator(".minus").text_content() == "-GRID = 16\n"
    assert panel("Prompt").locator("pre").text_content() == "the prompt\n"
    assert panel("Reply").locator("pre").text_content() == "a reply"
    metrics = panel("Metrics").text_content()
    assert "partial (estimated)" in metrics
    assert "missing, the profiler did not know it: lts__t_sector_hit_rate.pct" in metrics


def test_an_attempt_has_only_the_tabs_that_it_has_something_for(visit: Visit, offline: Path) -> None:
    tab = visit(offline, "offl.2/diff").tab
    assert tab.get_by_role("tab").all_inner_texts() == ["Verdict", "Prompt", "Reply"]
    assert tab.get_by_role("tab", selected=True).inner_text() == "Verdict"


def test_an_address_leads_to_an_attempt_and_its_tab(visit: Visit, offline: Path) -> None:
    tab = visit(offline, "offl.4/metrics").tab
    assert tab.locator("#attempt-title").inner_text() == "offl.4"
    assert tab.get_by_role("tab", selected=True).inner_text() == "Metrics"


def test_an_address_brings_its_row_into_sight(visit: Visit, offline: Path) -> None:
    tab = visit(offline, "offl.4", height=340).tab
    tab.locator("#panel").wait_for()
    assert tab.evaluate("() => document.getElementById('lineage').scrollTop") > 0


@pytest.mark.parametrize("hash_", ["nobody.7", "%E0%A4%A", "nobody/diff", "constructor", "__proto__/diff"])
def test_an_address_that_leads_nowhere_shows_the_campaign(visit: Visit, offline: Path, hash_: str) -> None:
    assert visit(offline, hash_).tab.locator("#overview").is_visible()


def test_back_and_forward_go_through_what_was_looked_at(visit: Visit, offline: Path) -> None:
    tab = visit(offline).tab
    tab.locator("[data-id='offl.1']").click()
    tab.get_by_role("tab", name="Code").click()
    tab.locator("[data-id='offl.4']").click()
    tab.locator("#attempt-title", has_text="offl.4").wait_for()
    tab.go_back()
    tab.locator("#attempt-title", has_text="offl.1").wait_for()
    assert tab.get_by_role("tab", selected=True).inner_text() == "Code"
    tab.go_back()
    tab.go_back()
    tab.locator("#overview").wait_for()
    tab.go_forward()
    tab.locator("#attempt-title", has_text="offl.1").wait_for()


def focused(tab: object) -> str:
    return tab.evaluate(  # type: ignore[attr-defined, no-any-return]
        "() => document.activeElement.getAttribute('data-keep') || document.activeElement.id"
    )


def test_the_keyboard_alone_reads_the_whole_page(visit: Visit, offline: Path) -> None:
    tab = visit(offline).tab
    press = tab.keyboard.press
    press("Tab")
    assert focused(tab) == "skip"
    press("Enter")
    assert focused(tab) == "attempt offl.1"  # the best
    press("ArrowUp")
    assert focused(tab) == "stage algorithm/1"
    press("ArrowLeft")
    press("ArrowDown")
    assert focused(tab) == "stage grid_and_parallel/1"
    press("ArrowUp")
    press("ArrowRight")
    press("ArrowRight")
    assert focused(tab) == "attempt offl.1"
    press("ArrowLeft")
    assert focused(tab) == "stage algorithm/1"
    press("End")
    assert focused(tab) == "stage memory_access/1"
    press("Home")
    assert focused(tab) == "attempt offl.0"
    for _ in range(5):
        press("ArrowDown")
    assert focused(tab) == "attempt offl.3"
    press("ArrowLeft")
    assert focused(tab) == "attempt offl.2"  # what it mends
    press("Enter")
    tab.locator("#attempt-title", has_text="offl.2").wait_for()
    assert focused(tab) == "attempt offl.2"


def test_arrows_move_between_tabs_and_keep_the_focus(visit: Visit, offline: Path) -> None:
    tab = visit(offline, "offl.1").tab
    tab.get_by_role("tab", name="Verdict").focus()
    tab.keyboard.press("ArrowRight")
    tab.get_by_role("tab", name="Metrics", selected=True).wait_for()
    assert focused(tab) == "tab metrics"
    tab.keyboard.press("End")
    tab.get_by_role("tab", name="Reply", selected=True).wait_for()
    tab.keyboard.press("ArrowRight")
    tab.get_by_role("tab", name="Verdict", selected=True).wait_for()
    assert focused(tab) == "tab verdict" and tab.url.endswith("#offl.1")


def test_the_focus_is_seen(visit: Visit, offline: Path) -> None:
    tab = visit(offline).tab
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    width = tab.evaluate("() => getComputedStyle(document.activeElement).outlineWidth")
    assert width == "2px"


def test_a_screen_reader_gets_a_tree_with_levels_and_tabs_with_a_panel(visit: Visit, offline: Path) -> None:
    tab = visit(offline, "offl.3").tab
    items = tab.locator("#tree [role=treeitem]")
    assert [items.nth(n).get_attribute("aria-level") for n in range(6)] == ["1", "1", "2", "1", "2", "3"]
    assert tab.locator("#tree [tabindex='0']").count() == 1
    panel = tab.get_by_role("tabpanel", name="Verdict")
    assert panel.get_attribute("id") == tab.get_by_role("tab", selected=True).get_attribute("aria-controls")


@pytest.mark.parametrize("hash_", ["", "offl.1", "offl.3", "offl.1/metrics", "offl.1/diff", "offl.3/code"])
def test_nothing_is_wider_than_a_phone(visit: Visit, offline: Path, hash_: str) -> None:
    opened = visit(offline, hash_, width=360, height=740)
    opened.tab.locator("#panel" if hash_ else "#overview").wait_for()
    assert opened.tab.evaluate("() => document.documentElement.scrollWidth") == 360
    opened.shot(f"phone-{hash_.replace('/', '-') or 'campaign'}")


def test_a_phone_shows_a_metric_before_and_after(visit: Visit, measured: Path) -> None:
    tab = visit(measured, "meas.1/metrics", width=360, height=740).tab
    cells = tab.locator("#panel tbody tr").first.locator("td:not(:empty)")
    cells.first.wait_for()
    for box in (cells.nth(n).bounding_box() for n in range(cells.count())):
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360


def test_what_is_known_is_shown_before_the_rest_is_unpacked(browser: Any, offline: Path) -> None:
    tab = browser.new_page()
    tab.add_init_script("Response.prototype.arrayBuffer = () => new Promise(() => {});")
    tab.goto(f"{offline.as_uri()}#offl.1")
    assert tab.locator("#attempt").inner_text().split("\n")[0] == "offl.1"
    assert "opening …" in tab.locator("#attempt").inner_text()
    tab.close()


def test_a_phone_shows_one_thing_at_a_time_and_leads_back(visit: Visit, offline: Path) -> None:
    tab = visit(offline, width=360, height=740).tab
    tab.locator("[data-id='offl.4']").click()
    tab.locator("#attempt-title", has_text="offl.4").wait_for()
    assert tab.locator("#lineage").is_hidden() and focused(tab) == "attempt"
    tab.locator(".back").click()
    tab.locator("#overview").wait_for()
    assert focused(tab) == "attempt offl.4"


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_light_and_dark(visit: Visit, measured: Path, scheme: str, dark: bool) -> None:
    opened = visit(measured, "meas.1", scheme=scheme)
    opened.tab.locator("#panel").wait_for()
    paper, ink = opened.tab.evaluate(
        "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        ".map((colour) => Number(colour.match(/\\d+/)[0]))"
    )
    assert (paper < ink) == dark
    opened.shot(scheme)


def test_pairs_are_drawn_and_the_interval_stands_beside_them(visit: Visit, tmp_path: Path) -> None:
    record = measured_record()
    evaluation = record.attempts[1].evaluation
    assert evaluation is not None and evaluation.timing is not None
    evaluation.timing.samples = [(0.318, 3.87), (0.32, 3.9), (0.317, 3.85)]
    tab = visit(written(record, tmp_path / "p.html"), "meas.1").tab
    assert tab.locator("svg.pairs").count() == 2
    assert tab.locator("svg.pairs .dot").count() == 3 + 3 + 2 + 3  # with two in the legend
    assert "12.2× [11.9, 12.4] over meas.0, shaded: 95 %" in tab.locator("svg.pairs").nth(1).text_content()


def test_a_campaign_without_an_attempt_opens(browser: object, visit: Visit, tmp_path: Path) -> None:
    campaign = offline_record().campaign.model_copy(update={"session": None, "stage_ends": []})
    path = written(Record(campaign=campaign, attempts=[]), tmp_path / "p.html")
    tab = browser.new_page()  # type: ignore[attr-defined]
    tab.goto(path.as_uri())
    assert "no kernel passed yet" in tab.locator("#overview").inner_text()
    tab.close()
