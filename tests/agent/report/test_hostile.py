"""A campaign in which every text that a candidate, a model or an imported file can choose attacks the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kernelwright.agent.record import Record
from kernelwright.agent.report.page import json_in_html, page
from kernelwright.agent.views.text import one_line, plain
from report_world import STORED, Opened, written
from sample_campaigns import BAD, measured_record, offline_record, sha

Visit = Callable[..., Opened]

ATTACK = (
    "</script><script>window.owned=1;alert(1)</script><img src=x onerror='window.owned=2'>"
    '<svg onload="window.owned=3"><a href="javascript:window.owned=4">x</a></svg>'
    "<style>body{display:none}</style><iframe srcdoc='<script>parent.owned=5</script>'></iframe>"
    "<base href='http://192.0.2.1/'><meta http-equiv=refresh content='0;url=http://192.0.2.1/'>"
    "{{ 7*7 }}${7*7}<!--<script>]]>&lt;&#x3c;\u2028\u2029\u202etxet\ud800\x00\x1b[2J\"'`"
)
SHOWN = one_line(ATTACK)
PATH = "javascript:window.owned=6"


def hostile_record() -> Record:
    data = json.loads(offline_record().model_dump_json(by_alias=True))
    campaign, attempts = data["campaign"], data["attempts"]
    campaign["settings"] |= {"task": ATTACK, "model": ATTACK, "provider": ATTACK, "target": ATTACK}
    campaign["pause_reason"] = campaign["finish_reason"] = ATTACK
    campaign["session"] |= {"device": ATTACK, "warnings": [ATTACK], "environment": {ATTACK: ATTACK}}
    campaign["stage_ends"][0]["reason"] = campaign["stage_ends"][3]["stage"] = ATTACK
    campaign["standings"] = [
        {"name": ATTACK, "median_ms": 1.0},
        {"name": "b", "median_ms": None, "reason": ATTACK},
    ]
    for attempt in attempts:
        attempt["decision"] |= {"reason": ATTACK, "broken_promises": [ATTACK]}
        _attacked_evaluation(attempt["evaluation"])
    for attempt in attempts[1:]:
        attempt["reply"] |= {"text": ATTACK, "model": ATTACK, "provider": ATTACK, "finish_reason": ATTACK}
        attempt["reply"]["parameters"] = {ATTACK: ATTACK}
        attempt["template"] = attempt["template_sha"] = ATTACK
    attempts[4]["stage"] = attempts[2]["failure"]["reason"] = ATTACK
    return Record.model_validate(data)


def _attacked_evaluation(evaluation: dict[str, Any] | None) -> None:
    if evaluation is None:
        return
    evaluation |= {"warnings": [ATTACK], "environment": {ATTACK: ATTACK}, "device": ATTACK, "target": ATTACK}
    evaluation["reason"] = evaluation["reason"] and ATTACK
    families = evaluation["correctness"]["families"]
    families[ATTACK] = families["nominal"]
    kernel = evaluation["kernels"][0]
    kernel |= {"name": ATTACK, "missing": {ATTACK: ATTACK}}
    kernel["config"] = {ATTACK: 4}
    kernel["metrics"] = {ATTACK: 1.0, "constructor": 2.0, "__proto__": 3.0}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = {**STORED, sha(BAD): ATTACK, sha("the prompt\n"): ATTACK}
    path = tmp_path_factory.mktemp("attacked") / "page.html"
    return written(hostile_record(), path, texts, standing="paused")


def unharmed(opened: Opened) -> None:
    tab = opened.tab
    assert tab.evaluate("() => window.owned") is None
    assert tab.evaluate("() => getComputedStyle(document.body).display") == "block"
    assert (
        tab.locator(
            "iframe, img, base, object, embed, form, [onload], [onerror], body style, main script"
        ).count()
        == 0
    )
    assert tab.locator("a[href^='javascript:'], [style]").count() == 0
    assert tab.url.startswith("file:")


def test_the_campaign_shows_the_attack_and_nothing_happens(visit: Visit, attacked: Path) -> None:
    opened = visit(attacked)
    unharmed(opened)
    for part in ("#head", "#overview", "#apparatus", "#lineage"):
        assert SHOWN in opened.tab.locator(part).text_content()
    assert SHOWN in opened.tab.title()
    opened.shot("hostile")


@pytest.mark.parametrize("part", ["verdict", "metrics", "diff", "code", "prompt", "reply"])
def test_every_tab_shows_the_attack_and_nothing_happens(visit: Visit, attacked: Path, part: str) -> None:
    opened = visit(attacked, f"offl.3/{part}")
    opened.tab.locator("#panel :text('window.owned=1')").first.wait_for()
    assert opened.tab.get_by_role("tab", selected=True).inner_text().lower() == part
    unharmed(opened)


@pytest.mark.parametrize("part", ["code", "prompt", "reply"])
def test_a_text_is_shown_letter_by_letter(visit: Visit, attacked: Path, part: str) -> None:
    tab = visit(attacked, f"offl.3/{part}").tab
    tab.locator("#panel pre").wait_for()
    assert tab.locator("#panel pre").text_content().rstrip("\n") == plain(ATTACK)


def test_a_phone_stays_narrow_under_long_words(visit: Visit, attacked: Path) -> None:
    for part in ("verdict", "metrics", "code"):
        opened = visit(attacked, f"offl.3/{part}", width=360, height=740)
        opened.tab.locator("#panel :text('window.owned=1')").first.wait_for()
        assert opened.tab.evaluate("() => document.documentElement.scrollWidth") == 360
    tab = visit(attacked, width=360, height=740).tab
    assert tab.evaluate("() => document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("id_", ["</script>", "a/b", "x/diff", PATH, "#", "__proto__", "%41", "é\u202e"])
def test_an_attempt_of_any_name_can_be_opened(visit: Visit, tmp_path: Path, id_: str) -> None:
    """An imported file can call its attempts what it likes."""
    record = measured_record()
    record.attempts[1].id = id_
    opened = visit(written(record, tmp_path / "p.html"))
    opened.tab.locator("#tree .best").click()
    opened.tab.locator("#attempt-title").wait_for()
    assert opened.tab.locator("#attempt-title").inner_text() == plain(id_)
    opened.tab.get_by_role("tab", name="Code").click()
    opened.tab.locator("#panel pre").wait_for()
    unharmed(opened)


MANY = 250_000
"""More lines than a call in JavaScript takes arguments, or a browser lays out one by one."""


@pytest.mark.parametrize("part", ["code", "diff"])
def test_a_kernel_of_many_empty_lines_is_shown(visit: Visit, tmp_path: Path, part: str) -> None:
    texts = dict.fromkeys(STORED, "\n" * MANY)
    opened = visit(written(measured_record(), tmp_path / "p.html", texts), f"meas.1/{part}")
    opened.tab.locator("#panel pre, #panel .quiet:not(:text('opening'))").first.wait_for()
    assert "opening" not in opened.tab.locator("#panel").inner_text()[:100]
    assert "could not be opened" not in opened.tab.locator("#panel").inner_text()[:100]


SVG = """<svg xmlns="http://www.w3.org/2000/svg" onload="window.owned=7" style="position:fixed"><script>window.owned=8
</script><style>body{display:none}</style><foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="x"/>
</foreignObject><a href="javascript:window.owned=9"><text>kept</text></a><image href="http://192.0.2.1/x.png"/>
<use href="http://192.0.2.1/y.svg#a"/><set attributeName="href" to="javascript:window.owned=10"/></svg>"""


@pytest.mark.parametrize(
    "svg", [SVG, SVG.replace("<svg", "<html", 1).replace("</svg>", "</html>"), "<svg><", ""]
)
def test_a_picture_brings_nothing_but_shapes(visit: Visit, tmp_path: Path, svg: str) -> None:
    """Our pictures are drawn by us; if one ever were not, the page would still take only shapes and words."""
    path = written(measured_record(), tmp_path / "p.html")
    html = re.sub(
        r'"chart":".*?[^\\]"', lambda _: f'"chart":{json_in_html(svg)}', path.read_text("utf-8"), count=1
    )
    path.write_text(html, encoding="utf-8")
    opened = visit(path)
    chart = opened.tab.locator(".chart")
    assert chart.inner_text().strip() == ("kept" if svg == SVG else "" if svg == "<svg><" else "no picture")
    assert (
        chart.locator("script, style, foreignObject, image, use, set, [style], [onload], [href]").count() == 0
    )
    unharmed(opened)
    opened.wrong[:] = [line for line in opened.wrong if "Content Security Policy" not in line]


def test_an_attack_leaves_no_markup_in_the_file() -> None:
    texts = {**STORED, sha(BAD): ATTACK, sha("the prompt\n"): ATTACK}
    html = page(hostile_record(), "paused", texts.__getitem__)
    for sign in (
        "<img",
        "<iframe",
        "<base",
        "<a href",
        "<meta http-equiv=refresh",
        "</script><script>window",
    ):
        assert sign not in html.replace('<a class="skip" href', "")
    assert (
        html.count("</script>") == html.count("<script") == len(re.findall(r"^<script", html, re.MULTILINE))
    )
