"""The file: one policy, one script, one style, and nothing of a candidate where a parser could read it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.agent.report.page import SCRIPTS, json_in_html, page, policy, shell
from report_world import STORED
from sample_campaigns import measured_record, offline_record

ASSETS = files("kernelwright.agent.report.assets")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Parts(HTMLParser):
    """What a parser of HTML finds in the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.elements[-1][0] if self.elements else "", data))

    def of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag and text.strip()]


def made() -> str:
    return page(offline_record(), "finished", STORED.__getitem__)


@given(JSON)
def test_json_in_html_is_data_to_every_parser(data: object) -> None:
    text = json_in_html(data)
    assert text.isascii() and not set("<>&") & set(text)
    assert json.loads(text) == data


def test_the_policy_names_exactly_our_script_and_our_style() -> None:
    parts = Parts(made())
    meta = next(
        found for tag, found in parts.elements if found.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in (meta["content"] or "").split("; "))
    running = [text for tag, text in zip_scripts(parts) if tag is None]
    assert len(running) == 1 and len(parts.of("style")) == 1
    assert rules["script-src"] == hashed(running[0]) and rules["style-src"] == hashed(parts.of("style")[0])
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "connect-src" not in rules and "unsafe" not in policy(live=True)
    assert "connect-src 'self'" in policy(live=True)


def zip_scripts(parts: Parts) -> list[tuple[str | None, str]]:
    kinds = [found.get("type") for tag, found in parts.elements if tag == "script"]
    return list(zip(kinds, parts.of("script"), strict=True))


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("name", [f"{name}.js" for name in SCRIPTS])
def test_no_script_of_ours_turns_text_into_markup_or_code(name: str) -> None:
    script = (ASSETS / name).read_text(encoding="utf-8")
    doors = r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|srcdoc|document\.write"
    assert not re.search(rf"{doors}|\beval\b|\bFunction\(|\bimport\(", script)
    assert "</script" not in script and "<!--" not in script


def test_every_script_is_part_of_the_page() -> None:
    there = {item.name for item in ASSETS.iterdir() if item.name.endswith(".js")}
    assert there == {f"{name}.js" for name in SCRIPTS}


def test_a_page_asks_nobody_for_anything() -> None:
    for tag, found in Parts(made()).elements:
        for name in ("src", "href", "action", "data"):
            assert (found.get(name) or "#").startswith(("#", "data:image/svg+xml,")), (tag, found)
        assert not [name for name in found if name.startswith("on")]


def test_the_same_campaign_gives_the_same_bytes() -> None:
    assert made() == made()


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    page(measured_record(), "paused", STORED.__getitem__, lambda done, number: seen.append((done, number)))
    assert seen[0][0] == 1 and seen[-1][0] == seen[-1][1] == len(seen)


def test_the_live_shell_holds_no_campaign() -> None:
    html = shell(live=True)
    assert ("html", {"lang": "en", "data-live": None}) in Parts(html).elements
    assert [text for kind, text in zip_scripts(Parts(html)) if kind] == ["null", "null"]
    assert "data-live" not in made().split("<style>")[0]
